"""Mixtures of the data themselves: the number of classes, held-out densities."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris, make_blobs

from models.evaluation.data_mixture import choose_n_components, held_out_log_px


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_classes", [2, 4, 7])
def test_separate_groups_are_counted(n_classes, seed):
    centres = 12 * np.eye(7)[:n_classes]
    x, _ = make_blobs(100 * n_classes, 7, centers=centres, random_state=seed)
    assert choose_n_components(x.astype("float32"), seed) == n_classes


def test_a_single_gaussian_is_one_class(rng):
    assert choose_n_components(rng.normal(size=(400, 3)), 0) == 1


def test_iris():
    x = load_iris().data
    assert choose_n_components((x - x.mean(axis=0)) / x.std(axis=0), 0) == 3


def test_images_and_few_rows(rng):
    assert choose_n_components(rng.normal(size=(12, 4, 4, 3)), 0) >= 1
    assert choose_n_components(rng.normal(size=(3, 2)), 0) == 1


def test_held_out_log_px_of_one_gaussian(rng):
    train, test = rng.normal(size=(20000, 3)), rng.normal(size=(50, 3))
    expected = stats.norm.logpdf(test).sum(axis=1)
    found = held_out_log_px(train, test, 1, 0)
    np.testing.assert_allclose(found, expected, atol=0.15)

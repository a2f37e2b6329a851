"""A user's table by the defaults of `python -m models.train`."""

import re

import numpy as np
import pandas
import pytest
from sklearn import datasets

WARNING = "warning: the posterior has collapsed"


@pytest.fixture
def groups(tmp_path, rng):
    """A table of three groups, twelve standard deviations apart, with their labels."""
    labels = np.arange(90) % 3
    x = 12 * np.eye(3, 5)[labels] + rng.normal(size=(90, 5))
    pandas.DataFrame(x, columns=[*"abcde"]).assign(kind=labels).to_csv(
        tmp_path / "groups.csv", index=False
    )
    return tmp_path / "groups.csv"


@pytest.fixture
def table(light, data):
    """A function that trains on a table, without drawing."""

    def table(path, *words):
        result = light("--data", path, *words, options=())
        assert result.code == 0, result.err
        return result

    return table


def test_a_table_without_labels_has_as_many_classes_as_groups(table, groups, read):
    words = "--labels none --drop kind --steps 2000 --steps-per-epoch 100 --rounds 2"
    result = table(groups, *words.split())
    assert "no labels" in result.out and "5 features: a, b, c, d, e" in result.out
    assert "3 classes (best for held-out rows) by graph" in result.out
    assert WARNING not in result.out and "accuracy" not in result.out
    classes = read.arrays(result.folder)["classes"].reshape(30, 3)
    assert (classes == classes[0]).all() and len(set(classes[0])) == 3
    assert read.json(result.folder, "config.json")["n_components"] == 3


def test_a_collapsed_posterior_is_said_after_the_files(table, groups):
    words = "--kl-weight 50 --steps 1000 --steps-per-epoch 100 --rounds 1"
    result = table(groups, *words.split())
    nats = re.search(rf"{WARNING}. The latents hold (\S+) nats", result.out)
    assert float(nats.group(1)) < 1
    assert result.out.index("Written to") < result.out.index(WARNING)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_iris_by_defaults(table, tmp_path, read, seed):
    iris = datasets.load_iris(as_frame=True).frame
    iris.to_csv(tmp_path / "iris.csv", index=False)
    result = table(tmp_path / "iris.csv", "--labels", "target", "--seed", seed)
    assert "3 classes (as many as labels) by graph" in result.out
    assert WARNING not in result.out
    assert read.json(result.folder, "metrics.json")["last"]["accuracy"] >= 0.93


def test_wine_does_not_diverge(table, tmp_path, read):
    """Its columns have standard deviations from 0.1 to 300."""
    wine = datasets.load_wine(as_frame=True).frame
    wine.to_csv(tmp_path / "wine.csv", index=False)
    words = "--steps 600 --steps-per-epoch 60 --rounds 2".split()
    result = table(tmp_path / "wine.csv", "--labels", "target", *words)
    assert np.isfinite(read.column(result.folder / "history.csv", "loss")).all()

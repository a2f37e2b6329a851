"""The page of scores: histograms, bars, the confusion of classes, extreme examples."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from models.plotting import plot_evaluation
from models.plotting.evaluation_page import extreme_rows


@pytest.fixture
def log_px(rng):
    return rng.normal(-80, 5, 200)


def panels_of(figure):
    """Title -> axes; none of them is hidden, which would leave a gap."""
    assert all(ax.get_visible() for ax in figure.axes)
    return {ax.get_title(): ax for ax in figure.axes}


def test_vectors_without_classes_need_one_row_of_panels(log_px):
    figure = plot_evaluation("the table", log_px, log_px - 3, [0.1, 2.0, 1.0])
    panels = panels_of(figure)
    assert panels.keys() == {
        "",
        "KL of each dimension, sorted",
        "log p(x) and its bound",
    }
    bars = panels["KL of each dimension, sorted"].patches
    assert [bar.get_height() for bar in bars] == [2.0, 1.0, 0.1]
    means = [line.get_xdata()[0] for line in panels["log p(x) and its bound"].lines]
    np.testing.assert_allclose(means, [log_px.mean(), log_px.mean() - 3])
    assert panels[""].texts[0].get_text() == "the table"


def test_a_posterior_without_kl_per_dimension_has_no_bars(log_px):
    panels = panels_of(plot_evaluation("", log_px, log_px))
    assert panels.keys() == {"", "log p(x) and its bound"}


def test_matched_classes_are_on_the_diagonal(log_px, rng):
    labels = np.arange(200) % 3
    classes = np.where(rng.uniform(size=200) < 0.8, (labels + 1) % 3, labels)
    figure = plot_evaluation(
        "", log_px, log_px, None, (labels, classes, ["a", "b", "c"])
    )
    ax = panels_of(figure)["Classes of each label, %"]
    expected = confusion_matrix(labels, (classes - 1) % 3, normalize="true")
    np.testing.assert_allclose(ax.get_images()[0].get_array(), expected)
    ticks = [text.get_text() for text in ax.get_xticklabels()]
    assert ticks == ["1", "2", "0"]


def test_extreme_examples_are_drawn_over_their_reconstructions(rng):
    log_px = rng.permutation(30).astype(float)
    rows = extreme_rows(log_px)
    assert log_px[rows].tolist() == [[*range(29, 19, -1)], [*range(9, -1, -1)]]
    x, x_mean = rng.uniform(size=(2, 2, 10, 4, 5))
    panels = panels_of(plot_evaluation("", log_px, log_px, None, None, (x, x_mean)))
    image = panels["log p(x): the highest and the lowest"].get_images()[0].get_array()
    for row, expected in enumerate([x[0], x_mean[0], x[1], x_mean[1]]):
        np.testing.assert_array_equal(image[5 * row : 5 * row + 4, :5], expected[0])


def test_columns_are_bars_of_their_scores_the_best_first(log_px):
    columns = {
        "age": (0.5, "RMSE 3"),
        "town": (0.9, "90% right"),
        "pay": (-1, "RMSE 9"),
    }
    figure = plot_evaluation("", log_px, log_px, columns=columns)
    ax = panels_of(figure)["R² of reconstructions, or share of right ones"]
    assert [bar.get_width() for bar in ax.patches] == [0.9, 0.5, 0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["town", "age", "pay"]
    assert [t.get_text() for t in ax.texts][1] == "0.50   RMSE 3"


def test_of_many_columns_the_best_and_the_worst_are_shown(log_px):
    columns = {f"c{i}": (i / 50, "") for i in range(50)}
    figure = plot_evaluation("", log_px, log_px, columns=columns)
    (ax,) = [each for each in figure.axes if "of 50 columns" in each.get_title()]
    expected = [*range(49, 39, -1), *range(9, -1, -1)]
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"c{i}" for i in expected]

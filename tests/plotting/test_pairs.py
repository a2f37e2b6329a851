"""Pairs of columns: which are shown, where, and in which colours."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import f_oneway

from models.plotting import plot_pairs
from models.plotting.pairs import select_pairs, separation
from models.plotting.style import GREY, PALETTE


@pytest.fixture
def groups(rng):
    return rng.integers(0, 3, 90)


@pytest.fixture
def columns(groups, rng):
    return {f"c{k}": rng.normal(size=90) + k * groups for k in range(3)}


def dots(ax):
    """The sorted points, and their colours in that order."""
    points = ax.collections[0].get_offsets().data
    order = np.lexsort(points.T)
    return points[order], [to_hex(ax.collections[0].get_facecolors()[i]) for i in order]


def test_labels_are_below_the_diagonal_and_classes_above(columns, groups):
    classes = (groups + 1) % 3
    classes[:9] = 0
    colourings = {"label": groups, "class": classes}
    figure = plot_pairs(columns, colourings, ["a", "b", "c"])
    axes = np.reshape(figure.axes, (3, 3))
    below, above = dots(axes[2, 0]), dots(axes[0, 2])
    values = np.column_stack([columns["c0"], columns["c2"]])
    order = np.lexsort(values.T)
    np.testing.assert_array_equal(below[0], values[order])
    assert below[1] == [PALETTE[k] for k in groups[order]]
    values = values[:, ::-1]
    order = np.lexsort(values.T)
    np.testing.assert_array_equal(above[0], values[order])
    # a class has the colour of the label that it matches
    assert above[1] == [PALETTE[(k - 1) % 3] for k in classes[order]]
    assert axes[2, 0].get_xlabel() == "c0" and axes[2, 0].get_ylabel() == "c2"
    titles = [legend.get_title().get_text() for legend in figure.legends]
    assert titles == ["label, below the diagonal", "class, above the diagonal"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["a", "b", "c"]


def test_without_groups_the_dots_are_grey_below_the_diagonal(columns):
    figure = plot_pairs(columns, {})
    assert len(figure.axes) == 6 and figure.legends == []
    colours = figure.axes[1].collections[0].get_facecolors()
    assert [to_hex(colour) for colour in colours] == [GREY]


def test_a_table_of_text_only_has_no_pairs():
    assert plot_pairs({"town": np.array(["a", "b"])}, {}) is None


def test_separation_is_the_share_of_the_variance_between_groups(columns, groups):
    for values in columns.values():
        statistic = f_oneway(*(values[groups == k] for k in range(3))).statistic
        expected = statistic * 2 / (statistic * 2 + 90 - 3)  # eta^2 of F
        assert separation(values, groups) == pytest.approx(expected)


def test_the_columns_that_separate_best_are_shown_but_for_copies(groups, rng):
    strength = rng.permutation(12)
    columns = {
        f"c{i}": rng.normal(size=90) + s * groups / 6 for i, s in enumerate(strength)
    }
    best = f"c{strength.argmax()}"
    columns["copy"] = columns[best] + 1e-3 * rng.normal(size=90)
    columns["town"] = np.full(90, 7.0)  # constant
    scores = {name: separation(values, groups) for name, values in columns.items()}
    chosen = select_pairs(columns, scores)
    ranked = sorted(columns, key=lambda name: -separation(columns[name], groups))
    kept = [
        name for name in ranked if name != min(best, "copy", key=ranked[::-1].index)
    ]
    assert [*chosen] == [name for name in columns if name in kept[:6]]


def test_codes_of_another_length_are_refused(columns):
    with pytest.raises(
        ValueError, match=r"colourings\['label'\]: expected shape \(90,\)"
    ):
        plot_pairs(columns, {"label": np.zeros(3, int)})


@pytest.mark.parametrize("groups", [{}, {"class": np.zeros(40, int)}])
def test_without_two_groups_the_most_relevant_columns_are_shown(groups, rng):
    columns = {f"c{i}": rng.normal(size=40) for i in range(9)}
    relevance = dict(zip(columns, [1, 9, 2, 8, 3, 7, 4, 6, 5], strict=True))
    figure = plot_pairs(columns, groups, relevance=relevance)
    names = [ax.get_xlabel() for ax in figure.axes if ax.get_xlabel()]
    assert names == ["c1", "c3", "c5", "c6", "c7", "c8"]
    assert "6 of 9, those with the largest effect" in figure.get_suptitle()

"""Pieces of sequences: spans, cuts and lines in the axes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from models.plotting import plot_pieces, plot_segments
from models.plotting.style import PALETTE

SEGMENTS = np.array([[0, 4, 1], [4, 6, 0], [6, 9, 1], [9, 15, 0]])
LENGTHS = [6, 9]


@pytest.fixture
def x(rng):
    return rng.normal(size=(15, 2))


def spans(ax):
    """(left, right, colour) of the coloured areas, and of the strip at the edge."""
    areas, strip = [], []
    for patch in ax.patches:
        left, right = patch.get_x(), patch.get_x() + patch.get_width()
        found = (left, right, to_hex(patch.get_facecolor()))
        (areas if patch.get_height() == 1 else strip).append(found)
    return areas, strip


def test_each_sequence_has_its_pieces(x):
    figure = plot_segments(x, SEGMENTS, LENGTHS)
    blue, yellow = PALETTE[:2]  # of the classes 0 and 1
    areas = [spans(ax)[0] for ax in figure.axes]
    assert areas[0] == [(-0.5, 3.5, yellow), (3.5, 5.5, blue)]
    assert areas[1] == [(-0.5, 2.5, yellow), (2.5, 8.5, blue)]
    cut, *values = figure.axes[1].get_lines()
    assert cut.get_xdata()[0] == 2.5
    for line, expected in zip(values, x[6:].T, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), expected)
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["class 0", "class 1"]
    assert len(plot_segments(x, SEGMENTS, LENGTHS, limit=1).axes) == 1
    assert len(plot_segments(x, SEGMENTS).axes) == 1


def test_classes_have_the_colours_of_their_labels(x):
    labels = np.array([7] * 4 + [9] * 2 + [7] * 3 + [9] * 6)
    figure = plot_segments(x, SEGMENTS, LENGTHS, labels)
    areas, strip = spans(figure.axes[0])
    assert strip == areas  # all classes are right
    assert [colour for _, _, colour in areas] == PALETTE[:2]
    assert figure.axes[0].get_title() == "4 pieces of 2 classes"
    axes = plot_pieces(x, SEGMENTS, labels=labels).axes
    colours = [ax.get_lines()[0].get_color() for ax in axes[:2]]
    assert colours == [PALETTE[1], PALETTE[0]]  # of the classes 0 and 1


def test_pieces_lie_over_one_another(x):
    means = np.arange(12.0).reshape(2, 3, 2)
    figure = plot_pieces(x, SEGMENTS, means)
    axes = np.reshape(figure.axes, (2, 2))  # dimensions, classes
    assert [ax.get_title() for ax in axes[0]] == [
        "class 0: 2 pieces",
        "class 1: 2 pieces",
    ]
    first, second, mean = axes[1, 0].get_lines()
    np.testing.assert_array_equal(first.get_xdata(), [0.25, 0.75])
    np.testing.assert_array_equal(first.get_ydata(), x[4:6, 1])
    np.testing.assert_array_equal(second.get_ydata(), x[9:, 1])
    np.testing.assert_allclose(mean.get_xdata(), [1 / 6, 1 / 2, 5 / 6])
    np.testing.assert_array_equal(mean.get_ydata(), means[0, :, 1])
    assert len(plot_pieces(x, SEGMENTS, limit=1).axes[0].get_lines()) == 1


@pytest.mark.parametrize(
    "change, error",
    [
        ({"x": np.zeros(15)}, r"x: expected shape \(n, D\)"),
        ({"segments": SEGMENTS[:, :2]}, r"segments: expected shape \(m, 3\)"),
        ({"segments": SEGMENTS[:3]}, "pieces that join to the 15 steps of x"),
        ({"segments": SEGMENTS[1:]}, "pieces that join to the 15 steps of x"),
        ({"lengths": [6, 8]}, "lengths: expected 15 steps, got 14"),
        ({"labels": np.zeros(14, int)}, r"labels: expected shape \(15,\)"),
    ],
)
def test_wrong_arguments_are_named(x, change, error):
    with pytest.raises(ValueError, match=error):
        plot_segments(**{"x": x, "segments": SEGMENTS} | change)

"""Image grids and animations: what reaches the axes and the file."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from models.plotting import Animation, plot_image_grid
from models.plotting.image_grids import plot_animation_frame, plot_samples_by_label


def texts(labels):
    return [label.get_text() for label in labels]


def test_a_grid_names_rows_and_columns_where_they_are(rng):
    x_mean = rng.uniform(size=(2, 3, 4, 5))
    figure = plot_image_grid(x_mean, ["up", "down"], ["a", "b", "c"], "Title")
    (ax,) = figure.axes
    assert texts(ax.get_xticklabels()) == ["a", "b", "c"]
    assert texts(ax.get_yticklabels()) == ["up", "down"]
    assert ax.get_yticks()[0] > ax.get_yticks()[1]  # the first row is the highest
    picture = ax.get_images()[0].get_array()
    np.testing.assert_array_equal(picture[:4, :5], x_mean[0, 0])
    np.testing.assert_array_equal(picture[5:, 12:], x_mean[1, 2])
    assert figure.get_suptitle() == "Title"


def test_a_row_for_each_label_leaves_the_missing_white(rng):
    x_mean = rng.uniform(size=(5, 2, 2))
    codes = np.array([2, 0, 2, 0, 2])
    figure = plot_samples_by_label(x_mean, codes, ["a", "b", "c"], 20)
    (ax,) = figure.axes
    assert texts(ax.get_yticklabels()) == ["a", "c"]
    picture = np.ma.filled(ax.get_images()[0].get_array(), np.nan)
    np.testing.assert_array_equal(picture[3:, 3:5], x_mean[2])
    assert np.isnan(picture[:2, 6:]).all()


def test_of_many_labels_the_first_are_shown_and_the_title_says_so(rng):
    codes, names = np.arange(30), [str(code) for code in range(30)]
    figure = plot_samples_by_label(rng.uniform(size=(30, 2, 2)), codes, names, 20)
    assert texts(figure.axes[0].get_yticklabels()) == names[:20]
    assert figure.get_suptitle() == "Samples of each label, 20 of 30 labels"


@pytest.mark.parametrize("shape", [(7, 3, 4), (7, 3, 4, 3)])
def test_a_frame_puts_five_in_a_row_each_below_its_name(shape, rng):
    x_mean, names = rng.uniform(size=shape), list("abcdefg")
    figure = plot_animation_frame(x_mean, names, "now", (0.0, 1.0))
    heads = [texts(ax.get_xticklabels()) for ax in figure.axes]
    assert heads == [list("abcde"), ["f", "g"]]


def test_an_animation_runs_forwards_and_backwards_in_a_loop(tmp_path):
    x_mean = np.broadcast_to(np.arange(4)[:, None, None] / 8, (1, 4, 8, 8))
    Animation(x_mean, ["one"], [""] * 4).savefig(tmp_path / "a.gif", dpi=80)
    with Image.open(tmp_path / "a.gif") as gif:
        shades = [
            frame.convert("L").getpixel((gif.width // 2, gif.height // 2))
            for frame in ImageSequence.Iterator(gif)
        ]
        assert gif.info["loop"] == 0 and gif.info["duration"] > 0
    np.testing.assert_allclose(shades, [0, 32, 64, 96, 64, 32], atol=3)

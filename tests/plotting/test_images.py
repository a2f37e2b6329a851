"""Reconstructions, samples and manifolds: what reaches the axes."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from models.plotting import plot_manifold, plot_reconstructions, plot_samples
from models.plotting.image_grids import tile_images

SMALL = np.ones((2, 3, 3))


def shown_image(figure):
    (image,) = figure.axes[0].get_images()
    return image


def test_reconstructions_reach_the_axes_unchanged_under_their_originals(rng):
    x, x_mean = rng.uniform(size=(2, 5, 3, 4))
    image = shown_image(plot_reconstructions(x, x_mean, n=4))
    picture = image.get_array()
    assert picture.shape == (2 * 3 + 1, 4 * 4 + 3)
    for column in range(4):
        across = slice(5 * column, 5 * column + 4)
        np.testing.assert_array_equal(picture[:3, across], x[column])
        np.testing.assert_array_equal(picture[4:, across], x_mean[column])
    assert picture.mask[3].all() and picture.mask[:, 4::5].all()
    assert picture.mask.sum() == 19 + 3 * 6
    assert image.get_clim() == (0, 1) and image.get_cmap().name == "gray"


def test_images_beyond_the_unit_interval_share_their_extremes(rng):
    x = rng.uniform(-3, 3, size=(2, 3, 3, 1))
    image = shown_image(plot_reconstructions(x, 2 * x))
    assert image.get_clim() == (2 * x.min(), 2 * x.max())
    assert image.get_array().ndim == 2


def test_samples_fill_a_grid_and_leave_the_rest_white(rng):
    x_mean = rng.uniform(-0.5, 1.5, size=(5, 2, 2, 3))
    figure = plot_samples(x_mean, columns=3, title="Class 7")
    picture = shown_image(figure).get_array()
    assert picture.shape == (5, 8, 3) and figure.get_suptitle() == "Class 7"
    np.testing.assert_array_equal(picture[3:, 3:5], np.clip(x_mean[4], 0, 1))
    assert (picture[3:, 6:] == 1).all() and (picture[2] == 1).all()


def test_large_images_get_wider_gaps():
    assert tile_images(np.zeros((2, 2, 28, 28))).shape == (57, 57)
    assert tile_images(np.zeros((2, 2, 64, 64))).shape == (130, 130)


def test_a_manifold_centres_images_on_their_coordinates_with_z2_upwards(rng):
    x_mean = rng.uniform(size=(2, 3, 4, 5))
    figure = plot_manifold(x_mean, (-1, 1, 0, 3))
    image = shown_image(figure)
    np.testing.assert_array_equal(image.get_array()[:4, 10:], x_mean[0, 2])
    np.testing.assert_array_equal(image.get_array()[4:, :5], x_mean[1, 0])
    assert image.get_extent() == [-1.5, 1.5, -1.5, 4.5]
    assert figure.axes[0].get_ylim() == (-1.5, 4.5) and image.origin == "upper"
    figure.draw_without_rendering()
    box = figure.axes[0].bbox
    assert box.height / box.width == pytest.approx(8 / 15)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_samples(np.ones((3, 4))), r"x_mean: expected .*, got \(3, 4\)"),
        (lambda: plot_samples(np.ones((0, 3, 3))), "not empty"),
        (lambda: plot_samples(np.ones((2, 8, 8, 2))), "1 or 3"),
        (lambda: plot_samples(np.ones((2, 3, 3)), columns=0), "columns: expected"),
        (
            lambda: plot_reconstructions(np.ones((2, 3, 3)), np.ones((2, 4, 3))),
            "x_mean",
        ),
        (lambda: plot_reconstructions(SMALL, SMALL, n=0), "n: expected"),
        (lambda: plot_manifold(np.ones((4, 8)), (0, 1, 0, 1)), r"\(rows, columns"),
        (lambda: plot_manifold(np.ones((2, 2, 8, 8)), (0, 1)), "extent: expected"),
    ],
)
def test_wrong_shapes_are_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_figures_save_as_png_and_show_in_a_notebook_without_pyplot(tmp_path, rng):
    figure = plot_samples(rng.uniform(size=(3, 8, 8)))
    assert isinstance(figure, Figure) and pyplot.get_fignums() == []
    figure.savefig(tmp_path / "samples.png", dpi=150)
    with Image.open(tmp_path / "samples.png") as saved:
        assert saved.format == "PNG" and saved.width > 200
    png, metadata = figure._repr_png_()
    with Image.open(BytesIO(png)) as shown:
        assert shown.format == "PNG" and metadata["width"] == 225

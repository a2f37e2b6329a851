"""Tests of the pictures: what reaches the axes, not that something does."""

from io import BytesIO

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from models.plotting import curves, images

BEFORE, AFTER = "before", "after"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def scatters(figure):
    """The points and the colours (hex, without alpha) of every panel."""
    collections = [ax.collections[0] for ax in figure.axes if ax.collections]
    return [
        (c.get_offsets().data, [to_hex(rgba) for rgba in c.get_facecolors()])
        for c in collections
    ]


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def shown_image(figure):
    (image,) = figure.axes[0].get_images()
    return image


# Latent spaces


def test_latent_panels_share_axes_and_show_rows_by_columns(rng):
    latents = {BEFORE: rng.normal(size=(50, 4)), AFTER: 9 + rng.normal(size=(70, 4))}
    figure = curves.latent_pca(latents, {"none": None, "other": None})
    assert [ax.get_title() for ax in figure.axes] == [BEFORE, BEFORE, AFTER, AFTER]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}) == 1
    assert all(ax.get_aspect() == 1 for ax in figure.axes)
    assert [len(points) for points, _ in scatters(figure)] == [50, 50, 70, 70]
    assert {*scatters(figure)[0][1]} == {images.GREY}


def test_latents_are_projected_by_one_common_pca(rng):
    spread = np.array([9.0, 3.0, 0.1])
    a, b = spread * rng.normal(size=(40, 3)), spread * rng.normal(size=(60, 3)) + 1
    figure = curves.latent_pca({BEFORE: a, AFTER: b}, {})
    drawn = np.concatenate([points for points, _ in scatters(figure)])
    stacked = np.concatenate([a, b]) - np.concatenate([a, b]).mean(0)
    variances, vectors = np.linalg.eigh(stacked.T @ stacked)
    expected = np.sort(np.abs(stacked @ vectors[:, :0:-1]), axis=0)
    np.testing.assert_allclose(np.sort(np.abs(drawn), axis=0), expected)
    top, bottom = figure.axes
    assert bottom.get_xlabel() == f"PC 1 ({100 * variances[2] / variances.sum():.0f} %)"
    assert top.get_xlabel() == "" and top.get_ylabel().startswith("PC 2 (")


def test_limits_ignore_a_few_outliers(rng):
    z = rng.normal(size=(3000, 2))
    z[0] = 1000
    (ax,) = curves.latent_pca({AFTER: z}, {}).axes
    assert max(np.abs([ax.get_xlim(), ax.get_ylim()]).ravel()) < 10


def test_a_random_subset_is_drawn_chosen_by_the_seed(rng):
    z = {AFTER: rng.normal(size=(curves.MAX_POINTS + 1000, 2))}
    (first, _), (again, _), (other, _) = (
        scatters(curves.latent_pca(z, {}, seed=seed))[0] for seed in (0, 0, 1)
    )
    assert len(np.unique(first, axis=0)) == curves.MAX_POINTS
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_classes_take_the_colours_of_their_labels_in_every_panel(rng):
    labels = np.repeat([0, 1, 2], 20)
    classes = {BEFORE: (labels + 1) % 3, AFTER: np.where(labels == 2, 0, labels + 1)}
    classes[AFTER][:3] = 5  # a class that no label is left for
    z = {BEFORE: rng.normal(size=(60, 3)), AFTER: rng.normal(size=(60, 3))}
    figure = curves.latent_pca(z, {"label": labels, "class": classes})
    (_, label_a), (_, class_a), (_, label_b), (_, class_b) = scatters(figure)
    assert label_a == class_a
    moved = [one != other for one, other in zip(label_b, class_b, strict=True)]
    assert sum(moved) == 3 and {*class_b} - {*label_b} == {images.PALETTE[3]}
    legend = figure.axes[1].get_legend()
    assert legend.get_title().get_text() == "class (before / after)"
    assert legend_texts(figure.axes[1]) == ["1 / 1", "2 / 2", "0 / 0", "– / 5"]


def test_the_legend_names_labels_once_and_classes_alone_keep_their_order(rng):
    z = {BEFORE: rng.normal(size=(30, 2)), AFTER: rng.normal(size=(30, 2))}
    labels = np.arange(30) % 3
    figure = curves.latent_pca(z, {"label": labels}, label_names=["cat", "dog", "cow"])
    assert legend_texts(figure.axes[0]) == ["cat", "dog", "cow"]
    assert figure.axes[1].get_legend() is None
    alone = curves.latent_pca(z, {"class": labels})
    assert {*scatters(alone)[0][1]} == {*images.PALETTE[:3]}


def test_more_than_twenty_values_get_a_colour_bar(rng):
    z, values = rng.normal(size=(40, 2)), np.linspace(-1, 3, 40)
    figure = curves.latent_pca({AFTER: z}, {"angle": values})
    ax, (bar,) = figure.axes[0], figure.axes[0].child_axes
    assert bar.get_xlim() == (-1, 3) and ax.get_legend() is None
    expected = matplotlib.colormaps["viridis"](np.linspace(0, 1, 40))
    drawn = sorted(scatters(figure)[0][1])
    assert drawn == sorted(to_hex(rgba) for rgba in expected)


def test_a_single_latent_dimension_becomes_a_strip(rng):
    z = rng.normal(size=(30, 1))
    figure = curves.latent_pca({AFTER: z}, {"label": np.arange(30) % 2})
    points = scatters(figure)[0][0]
    distances = np.sort(np.abs(z - z.mean()).ravel())
    np.testing.assert_allclose(np.sort(np.abs(points[:, 0])), distances)
    assert figure.axes[0].get_ylabel() == "" and len(figure.axes[0].get_yticks()) == 0


@pytest.mark.parametrize(
    ("latents", "colourings", "message"),
    [
        ({}, {}, "latents: expected at least one"),
        (
            {BEFORE: np.ones(3)},
            {},
            r"latents\['before'\]: expected shape .* got \(3,\)",
        ),
        ({BEFORE: np.ones((3, 2)), AFTER: np.ones((3, 4))}, {}, r"latents\['after'\]"),
        ({BEFORE: np.full((3, 2), np.nan)}, {}, "finite"),
        ({BEFORE: np.eye(3)}, {"label": [1, 2]}, r"\['label'\]: expected shape \(3,\)"),
        ({BEFORE: np.eye(3)}, {"class": {AFTER: [1, 2, 3]}}, r"the key 'before'"),
    ],
)
def test_wrong_latents_and_colourings_are_refused(latents, colourings, message):
    with pytest.raises(ValueError, match=message):
        curves.latent_pca(latents, colourings)


# Learning curves and rounds


def history(n=60):
    steps = np.arange(n)
    loss = 100 + 5000 * np.exp(-4.0 * steps) + np.sin(steps)
    parts = {"loss": loss, "log_likelihood": -loss, "kl": 5 + np.cos(steps)}
    return {k: list(v) for k, v in parts.items()} | {"val_loss": list(loss + 1)}


def test_curves_draw_the_history():
    figure = curves.curves(history())
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["Loss", "Log-likelihood", "KL divergence"]
    training, validation = figure.axes[0].get_lines()
    np.testing.assert_array_equal(training.get_xdata(), np.arange(1, 61))
    np.testing.assert_array_equal(training.get_ydata(), history()["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), history()["val_loss"])
    assert training.get_color() == validation.get_color()
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")


def test_steep_first_epochs_do_not_flatten_the_curve():
    low, high = curves.curves(history()).axes[0].get_ylim()
    assert 95 < low < 99 and 102 < high < 110


def test_curves_mark_new_rounds_and_a_weight_that_varies():
    weights = {"kl_weight": [0.1] * 30 + [1.0] * 30}
    figure = curves.curves(history() | weights, rounds=[1] * 20 + [2] * 40)
    (line,) = [x for x in figure.axes[0].get_lines() if x.get_label() == "new round"]
    assert list(line.get_xdata()) == [20.5, 20.5]
    (weight,) = figure.axes[-1].get_lines()
    assert list(weight.get_ydata()) == weights["kl_weight"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["training", "validation", "new round", "KL weight"]
    assert len(curves.curves(history() | {"kl_weight": [1.0] * 60}).axes) == 3


def test_curves_survive_one_epoch_and_a_loss_that_diverges():
    curves.curves({"loss": [3.0]}).draw_without_rendering()
    curves.curves(
        {"loss": [3.0, 2.0, np.inf, np.nan], "kl": [np.nan] * 4}
    ).draw_without_rendering()


@pytest.mark.parametrize(
    ("wrong", "rounds", "message"),
    [
        ({"accuracy": [1.0]}, None, "history: expected any of loss"),
        ({"loss": [1, 2], "kl": [1]}, None, r"history\['kl'\]: expected 2 epochs"),
        ({"loss": [1, 2]}, [1], "rounds: expected one for each of 2 epochs, got 1"),
    ],
)
def test_wrong_histories_are_refused(wrong, rounds, message):
    with pytest.raises(ValueError, match=message):
        curves.curves(wrong, rounds)


def test_rounds_draw_what_is_there_and_name_it_at_the_end():
    table = [
        {"round": 1, "accuracy": 0.5, "ari": 0.2, "agreement": None},
        {"round": 2, "accuracy": 0.70, "ari": 0.69, "agreement": 0.9},
        {"round": 3, "accuracy": 0.72, "ari": 0.71, "agreement": np.nan},
    ]
    (ax,) = curves.rounds(table).axes
    lines = {tuple(line.get_xdata()): None for line in ax.get_lines()}
    assert lines.keys() == {(1, 2, 3)}
    drawn = {line.get_color(): line.get_ydata() for line in ax.get_lines()}
    np.testing.assert_array_equal(drawn[curves.BLUE], [0.5, 0.70, 0.72])
    np.testing.assert_array_equal(drawn[curves.VIOLET], [np.nan, 0.9, np.nan])
    heights = {text.get_text().strip(): text.get_position()[1] for text in ax.texts}
    assert [*heights] == ["ARI 0.71", "accuracy 0.72", "agreement 0.90"]
    assert heights["accuracy 0.72"] - heights["ARI 0.71"] > 0.04
    assert ax.get_ylim()[0] <= 0.2 and ax.get_ylim()[1] >= 1
    with pytest.raises(ValueError, match="table: expected rows with any of accuracy"):
        curves.rounds([{"round": 1, "nmi": None}])


# Pictures of data


def test_reconstructions_reach_the_axes_unchanged_under_their_originals(rng):
    x, x_mean = rng.uniform(size=(2, 5, 3, 4))
    image = shown_image(images.reconstructions(x, x_mean, n=4))
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
    image = shown_image(images.reconstructions(x, 2 * x))
    assert image.get_clim() == (2 * x.min(), 2 * x.max())
    assert image.get_array().ndim == 2


def test_samples_fill_a_grid_and_leave_the_rest_white(rng):
    x_mean = rng.uniform(-0.5, 1.5, size=(5, 2, 2, 3))
    figure = images.samples(x_mean, columns=3, title="Class 7")
    picture = shown_image(figure).get_array()
    assert picture.shape == (5, 8, 3) and figure.get_suptitle() == "Class 7"
    np.testing.assert_array_equal(picture[3:, 3:5], np.clip(x_mean[4], 0, 1))
    assert (picture[3:, 6:] == 1).all() and (picture[2] == 1).all()


def test_large_images_get_wider_gaps():
    assert images.tile(np.zeros((2, 2, 28, 28))).shape == (57, 57)
    assert images.tile(np.zeros((2, 2, 64, 64))).shape == (130, 130)


def test_a_manifold_centres_images_on_their_coordinates_with_z2_upwards(rng):
    x_mean = rng.uniform(size=(2, 3, 4, 5))
    figure = images.manifold(x_mean, (-1, 1, 0, 3))
    image = shown_image(figure)
    np.testing.assert_array_equal(image.get_array()[:4, 10:], x_mean[0, 2])
    np.testing.assert_array_equal(image.get_array()[4:, :5], x_mean[1, 0])
    assert image.get_extent() == [-1.5, 1.5, -1.5, 4.5]
    assert figure.axes[0].get_ylim() == (-1.5, 4.5) and image.origin == "upper"
    figure.draw_without_rendering()
    box = figure.axes[0].bbox
    assert box.height / box.width == pytest.approx(8 / 15)


def test_vectors_are_drawn_as_lines(rng):
    x, x_mean = rng.normal(size=(2, 12, 7))
    figure = images.reconstructions(x, x_mean)
    assert len(figure.axes) == 10
    for ax, datum, mean in zip(figure.axes, x, x_mean, strict=False):
        original, reconstruction = ax.get_lines()
        np.testing.assert_array_equal(original.get_ydata(), datum)
        np.testing.assert_array_equal(reconstruction.get_ydata(), mean)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["original", "reconstruction"]
    panels = images.samples(x, columns=5).axes
    assert [len(ax.get_lines()) for ax in panels] == [5, 5, 2, 0]
    np.testing.assert_array_equal(panels[2].get_lines()[1].get_ydata(), x[11])


def test_a_manifold_of_vectors_draws_each_in_its_cell():
    x_mean = np.linspace(0, 1, 24).reshape(2, 3, 4)
    lines = images.manifold(x_mean, (-1, 1, 0, 3)).axes[0].get_lines()
    assert len(lines) == 6
    np.testing.assert_allclose(lines[4].get_xdata().mean(), 0, atol=1e-12)
    assert all(np.abs(lines[4].get_xdata()) < 0.5)
    assert all(np.abs(lines[4].get_ydata()) < 1.5)  # the second row, at z2_min


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: images.samples(np.ones(3)), r"x_mean: expected .*, got \(3,\)"),
        (lambda: images.samples(np.ones((0, 3))), "not empty"),
        (lambda: images.samples(np.ones((2, 8, 8, 2))), "1 or 3"),
        (lambda: images.samples(np.ones((2, 3)), columns=0), "columns: expected"),
        (lambda: images.reconstructions(np.ones((2, 3)), np.ones((2, 4))), "x_mean"),
        (lambda: images.reconstructions(np.eye(3), np.eye(3), n=0), "n: expected"),
        (lambda: images.manifold(np.ones((4, 8)), (0, 1, 0, 1)), r"\(rows, columns"),
        (lambda: images.manifold(np.ones((2, 2, 8)), (0, 1)), "extent: expected"),
    ],
)
def test_wrong_shapes_are_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_figures_save_as_png_and_show_in_a_notebook_without_pyplot(tmp_path, rng):
    figure = images.samples(rng.uniform(size=(3, 8, 8)))
    assert isinstance(figure, Figure) and pyplot.get_fignums() == []
    figure.savefig(tmp_path / "samples.png", dpi=150)
    with Image.open(tmp_path / "samples.png") as saved:
        assert saved.format == "PNG" and saved.width > 200
    png, metadata = figure._repr_png_()
    with Image.open(BytesIO(png)) as shown:
        assert shown.format == "PNG" and metadata["width"] == 225

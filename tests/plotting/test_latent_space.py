"""Scatter plots of latent spaces: points, colours and legends in the axes."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from models.plotting import plot_latent_pca
from models.plotting.latent_space import MAX_POINTS
from models.plotting.style import GREY, PALETTE

BEFORE, AFTER = "before", "after"


def scatters(figure):
    """The points and the colours (hex, without alpha) of every panel."""
    collections = [ax.collections[0] for ax in figure.axes if ax.collections]
    return [
        (c.get_offsets().data, [to_hex(rgba) for rgba in c.get_facecolors()])
        for c in collections
    ]


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_latent_panels_share_axes_and_show_rows_by_columns(rng):
    latents = {BEFORE: rng.normal(size=(50, 4)), AFTER: 9 + rng.normal(size=(70, 4))}
    figure = plot_latent_pca(latents, {"none": None, "other": None})
    assert [ax.get_title() for ax in figure.axes] == [BEFORE, BEFORE, AFTER, AFTER]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in figure.axes}) == 1
    assert all(ax.get_aspect() == 1 for ax in figure.axes)
    assert [len(points) for points, _ in scatters(figure)] == [50, 50, 70, 70]
    assert {*scatters(figure)[0][1]} == {GREY}


def test_latents_are_projected_by_one_common_pca(rng):
    spread = np.array([9.0, 3.0, 0.1])
    a, b = spread * rng.normal(size=(40, 3)), spread * rng.normal(size=(60, 3)) + 1
    figure = plot_latent_pca({BEFORE: a, AFTER: b}, {})
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
    (ax,) = plot_latent_pca({AFTER: z}, {}).axes
    assert max(np.abs([ax.get_xlim(), ax.get_ylim()]).ravel()) < 10


def test_a_random_subset_is_drawn_chosen_by_the_seed(rng):
    z = {AFTER: rng.normal(size=(MAX_POINTS + 1000, 2))}
    (first, _), (again, _), (other, _) = (
        scatters(plot_latent_pca(z, {}, seed=seed))[0] for seed in (0, 0, 1)
    )
    assert len(np.unique(first, axis=0)) == MAX_POINTS
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_classes_take_the_colours_of_their_labels_in_every_panel(rng):
    labels = np.repeat([0, 1, 2], 20)
    classes = {BEFORE: (labels + 1) % 3, AFTER: np.where(labels == 2, 0, labels + 1)}
    classes[AFTER][:3] = 5  # a class that no label is left for
    z = {BEFORE: rng.normal(size=(60, 3)), AFTER: rng.normal(size=(60, 3))}
    figure = plot_latent_pca(z, {"label": labels, "class": classes})
    (_, label_a), (_, class_a), (_, label_b), (_, class_b) = scatters(figure)
    assert label_a == class_a
    moved = [one != other for one, other in zip(label_b, class_b, strict=True)]
    assert sum(moved) == 3 and {*class_b} - {*label_b} == {PALETTE[3]}
    legend = figure.axes[1].get_legend()
    assert legend.get_title().get_text() == "class (before / after)"
    assert legend_texts(figure.axes[1]) == ["1 / 1", "2 / 2", "0 / 0", "– / 5"]


def test_the_legend_names_labels_once_and_classes_alone_keep_their_order(rng):
    z = {BEFORE: rng.normal(size=(30, 2)), AFTER: rng.normal(size=(30, 2))}
    labels = np.arange(30) % 3
    figure = plot_latent_pca(z, {"label": labels}, label_names=["cat", "dog", "cow"])
    assert legend_texts(figure.axes[0]) == ["cat", "dog", "cow"]
    assert figure.axes[1].get_legend() is None
    alone = plot_latent_pca(z, {"class": labels})
    assert {*scatters(alone)[0][1]} == {*PALETTE[:3]}


def test_more_than_twenty_values_get_a_colour_bar(rng):
    z, values = rng.normal(size=(40, 2)), np.linspace(-1, 3, 40)
    figure = plot_latent_pca({AFTER: z}, {"angle": values})
    ax, (bar,) = figure.axes[0], figure.axes[0].child_axes
    assert bar.get_xlim() == (-1, 3) and ax.get_legend() is None
    expected = matplotlib.colormaps["viridis"](np.linspace(0, 1, 40))
    drawn = sorted(scatters(figure)[0][1])
    assert drawn == sorted(to_hex(rgba) for rgba in expected)


def test_a_single_latent_dimension_becomes_a_strip(rng):
    z = rng.normal(size=(30, 1))
    figure = plot_latent_pca({AFTER: z}, {"label": np.arange(30) % 2})
    points = scatters(figure)[0][0]
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(z.ravel()))
    assert np.ptp(points[:, 1]) > 0.3 * np.ptp(z)
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
        plot_latent_pca(latents, colourings)

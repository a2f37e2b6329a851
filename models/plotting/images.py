"""Figures of examples: reconstructions, samples and the manifold of a 2-D latent space.

Examples are images, (n, h, w) or (n, h, w, c) with one or three channels, or feature
vectors, (n, d).
"""

from itertools import cycle, zip_longest

import numpy as np
from matplotlib.figure import Figure

from models.plotting import style
from models.plotting.image_grids import (
    draw_grid,
    fill_grid,
    grey_limits,
    plot_image_grid,
)
from models.plotting.style import DARK, GREY, PALETTE, InlineFigure, check_argument

MAX_STEPS = 64  # features of a vector drawn as steps; longer ones are plain lines


def plot_reconstructions(x: np.ndarray, x_mean: np.ndarray, n: int = 10) -> Figure:
    """Compares the first `n` examples with their reconstructions.

    Images: the originals in one row, the reconstructions below. Vectors: one small
    panel per example, the reconstruction drawn over the original.

    Args:
        x: the examples.
        x_mean: their reconstructions, of the same shape.
        n: how many are shown.

    Raises:
        ValueError: if shapes do not fit, or n < 1.
    """
    x, x_mean = _checked_examples("x", x), _checked_examples("x_mean", x_mean)
    expected = f"the shape of x, {x.shape}"
    check_argument(x.shape == x_mean.shape, "x_mean", expected, x_mean.shape)
    check_argument(n >= 1, "n", "at least 1", n)
    x, x_mean = x[:n], x_mean[:n]
    if x.ndim == 2:
        dots = {"linestyle": "", "marker": "."} if x.shape[1] <= MAX_STEPS else {}
        styles = [{"color": GREY, "label": "original"} | dots]
        styles += [{"color": PALETTE[0], "label": "reconstruction"}]
        return _plot_overlaid_vectors(np.stack([x, x_mean], axis=1), styles)
    names, limits = ["original", "reconstruction"], grey_limits(x, x_mean)
    return plot_image_grid(np.stack([x, x_mean]), names, limits=limits)


def plot_samples(
    x_mean: np.ndarray, columns: int = 10, title: str = "Decoded samples"
) -> Figure:
    """Draws decoded images in a grid, or vectors as overlaid lines.

    Args:
        x_mean: the examples; NaN is left white.
        columns: images in a row, or vectors in a panel.
        title: above the figure.

    Raises:
        ValueError: if x_mean is neither images nor vectors, or columns < 1.
    """
    x_mean = _checked_examples("x_mean", x_mean)
    check_argument(columns >= 1, "columns", "at least 1", columns)
    columns = min(columns, len(x_mean))
    if x_mean.ndim > 2:
        return plot_image_grid(fill_grid(x_mean, columns), title=title)
    groups = [x_mean[i : i + columns] for i in range(0, len(x_mean), columns)]
    figure = _plot_overlaid_vectors(groups, [{"color": c} for c in PALETTE])
    figure.suptitle(title, fontsize=11, color=DARK)
    return figure


def plot_manifold(
    x_mean: np.ndarray, extent: tuple[float, float, float, float]
) -> Figure:
    """Draws the decoded examples of a regular grid over a 2-D latent space.

    Args:
        x_mean: (rows, columns, h, w[, c]) or (rows, columns, d), as displayed: z1 rises
            along the columns, and z2 falls along the rows, from z2_max at the top.
        extent: (z1_min, z1_max, z2_min, z2_max), the extremes of an even grid.

    Raises:
        ValueError: if a shape is wrong.
    """
    x_mean = _checked_examples("x_mean", x_mean, grid=("rows", "columns"))
    expected = "(z1_min, z1_max, z2_min, z2_max)"
    check_argument(len(extent) == 4, "extent", expected, extent)
    rows, columns, *event = x_mean.shape
    width, h, w = (6.5, 1, 1) if len(event) == 1 else (6.0, *event[:2])
    figure = InlineFigure(width, width * rows * h / (columns * w))
    draw_grid(figure.subplots(), x_mean, extent, gap=0)
    style.style_axes(figure.axes[0], xlabel="$z_1$", ylabel="$z_2$")
    return figure


def _checked_examples(argument, examples, grid=("n",)):
    """The examples as an array; ValueError unless vectors or images on axes `grid`."""
    examples = np.asarray(examples)
    events = [("d",), ("h", "w"), ("h", "w", "1 or 3")]
    shapes = " or ".join(f"({', '.join(grid + event)})" for event in events)
    rank, shape = examples.ndim - len(grid), examples.shape
    fits = examples.size and (rank in (1, 2) or (rank == 3 and shape[-1] in (1, 3)))
    check_argument(fits, argument, f"shape {shapes}, not empty", shape)
    return examples


def _plot_overlaid_vectors(groups, styles):
    """Draws a group of vectors, (m, d), in each panel, with one style per vector."""
    count, d = len(groups), groups[0].shape[1]
    columns = min(2, count)
    rows = -(-count // columns)
    figure = InlineFigure(3.6 * columns, 1.0 * rows + 0.9)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    drawn = {"drawstyle": "default" if d > MAX_STEPS else "steps-mid", "linewidth": 1.2}
    for ax, group in zip_longest(axes.flat, groups):
        style.style_axes(ax).set_visible(group is not None)
        for vector, look in zip(() if group is None else group, cycle(styles)):
            ax.plot(vector, **drawn | look)
    for ax in axes.flat[count - columns : count]:
        ax.tick_params(labelbottom=True)
    figure.supxlabel("feature", fontsize=10, color=DARK)
    style.add_shared_legend(figure)
    return figure

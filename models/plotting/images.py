"""Figures of examples: reconstructions, samples and the manifold of a 2-D latent space.

Examples are images, (n, h, w) or (n, h, w, c) with one or three channels.
"""

import numpy as np
from matplotlib.figure import Figure

from models.plotting import style
from models.plotting.image_grids import (
    draw_grid,
    fill_grid,
    grey_limits,
    plot_image_grid,
)
from models.plotting.style import InlineFigure, check_argument


def plot_reconstructions(x: np.ndarray, x_mean: np.ndarray, n: int = 10) -> Figure:
    """Draws the first `n` examples in one row, their reconstructions below.

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
    names, limits = ["original", "reconstruction"], grey_limits(x, x_mean)
    return plot_image_grid(np.stack([x, x_mean]), names, limits=limits)


def plot_samples(
    x_mean: np.ndarray, columns: int = 10, title: str = "Decoded samples"
) -> Figure:
    """Draws decoded images in a grid.

    Args:
        x_mean: the examples; NaN is left white.
        columns: images in a row.
        title: above the figure.

    Raises:
        ValueError: if x_mean has no images, or columns < 1.
    """
    x_mean = _checked_examples("x_mean", x_mean)
    check_argument(columns >= 1, "columns", "at least 1", columns)
    columns = min(columns, len(x_mean))
    return plot_image_grid(fill_grid(x_mean, columns), title=title)


def plot_manifold(
    x_mean: np.ndarray, extent: tuple[float, float, float, float]
) -> Figure:
    """Draws the decoded examples of a regular grid over a 2-D latent space.

    Args:
        x_mean: (rows, columns, h, w[, c]), as displayed: z1 rises along the columns,
            and z2 falls along the rows, from z2_max at the top.
        extent: (z1_min, z1_max, z2_min, z2_max), the extremes of an even grid.

    Raises:
        ValueError: if a shape is wrong.
    """
    x_mean = _checked_examples("x_mean", x_mean, grid=("rows", "columns"))
    expected = "(z1_min, z1_max, z2_min, z2_max)"
    check_argument(len(extent) == 4, "extent", expected, extent)
    rows, columns, h, w = x_mean.shape[:4]
    figure = InlineFigure(6.0, 6.0 * rows * h / (columns * w))
    draw_grid(figure.subplots(), x_mean, extent, gap=0)
    style.style_axes(figure.axes[0], xlabel="z₁", ylabel="z₂")
    return figure


def _checked_examples(argument, examples, grid=("n",)):
    """The examples as an array; ValueError unless they are images on axes `grid`."""
    examples = np.asarray(examples)
    events = [("h", "w"), ("h", "w", "1 or 3")]
    shapes = " or ".join(f"({', '.join(grid + event)})" for event in events)
    rank, shape = examples.ndim - len(grid), examples.shape
    fits = examples.size and (rank == 2 or (rank == 3 and shape[-1] in (1, 3)))
    check_argument(fits, argument, f"shape {shapes}, not empty", shape)
    return examples

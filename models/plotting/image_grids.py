"""Images in grids: drawing in axes, labelled grids, animation frames.

An example is an image, (h, w) or (h, w, channels) with one or three channels.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.blocks.ondisk_array import extremes
from models.plotting.style import DARK, InlineFigure

Names = Sequence[str]
Limits = tuple[float, float] | None  # the least and the greatest value
Box = tuple[float, float, float, float]  # left, right, bottom, top

CELL_WIDTH = 0.75  # inches
FRAME_COLUMNS = 5  # of an animation


def plot_image_grid(
    x_mean,
    row_names: Names = (),
    column_names: Names = (),
    title: str = "",
    limits: Limits = None,
) -> Figure:
    """Draws examples in a grid with names of its rows and columns.

    Args:
        x_mean: (rows, columns, *example shape); NaN is left white.
        row_names: those of the first rows, or of all.
        column_names: those of the first columns, or of all.
        title: above the grid.
        limits: the values shown as black and white; by default `grey_limits`.
    """
    rows, columns = x_mean.shape[:2]
    width = CELL_WIDTH * columns + 0.9 * bool(row_names)
    height = CELL_WIDTH * rows * _cell_aspect(x_mean) + 0.35 * bool(column_names)
    figure = InlineFigure(width, height + 0.35)
    draw_named_grid(figure.subplots(), x_mean, row_names, column_names, limits)
    figure.suptitle(title, fontsize=11, color=DARK)
    return figure


def plot_samples_by_label(x_mean, labels, label_names: Names, limit: int) -> Figure:
    """Draws samples, (n, *example shape), with one row per label, at most `limit`."""
    distinct = np.unique(labels)
    drawn = [x_mean[labels == label][:limit] for label in distinct[:limit]]
    width = max(map(len, drawn))
    grid = np.concatenate([fill_grid(samples, width) for samples in drawn])
    names = [label_names[label] for label in distinct[:limit]]
    subset = f", {limit} of {len(distinct)} labels" * (len(distinct) > limit)
    title, limits = f"Samples of each label{subset}", grey_limits(x_mean)
    return plot_image_grid(grid, names, title=title, limits=limits)


def plot_animation_frame(x_mean, names: Names, title: str, limits: Limits) -> Figure:
    """Draws examples, (n, *example shape), each below its name: one animation frame.

    The `limits` are those of `plot_image_grid`, the same for all frames.
    """
    cells = fill_grid(x_mean, min(FRAME_COLUMNS, len(x_mean)))
    rows, columns = cells.shape[:2]
    width = 1.2 * CELL_WIDTH
    height = rows * (width * _cell_aspect(cells) + 0.3) + 0.3
    figure = InlineFigure(width * columns, height)
    for row, ax in enumerate(figure.subplots(rows, squeeze=False).flat):
        heads = names[row * columns : (row + 1) * columns]
        draw_named_grid(ax, cells[[row]], column_names=heads, limits=limits)
    figure.suptitle(title, fontsize=10, color=DARK)
    return figure


def draw_named_grid(
    ax: Axes,
    x_mean,
    row_names: Names = (),
    column_names: Names = (),
    limits: Limits = None,
) -> None:
    """Draws the grid of `plot_image_grid`, which has the arguments, in axes."""
    rows, columns = x_mean.shape[:2]
    draw_grid(ax, x_mean, (0, columns - 1, 0, rows - 1), limits)
    ax.set_xticks(range(len(column_names)), column_names)
    ax.set_yticks(range(rows)[::-1][: len(row_names)], row_names)
    ax.xaxis.tick_top()
    ax.tick_params(length=0, pad=2, labelsize=8, labelcolor=DARK)
    ax.spines[:].set_visible(False)


def _cell_aspect(x_mean):
    """Height over width of a cell; x_mean: (rows, columns, ...)."""
    return x_mean.shape[2] / x_mean.shape[3]


def fill_grid(examples: np.ndarray, columns: int) -> np.ndarray:
    """(n, *example shape) -> (rows, columns, *example shape), NaN after the last."""
    rows = -(-len(examples) // columns)
    grid = np.full((rows * columns, *examples.shape[1:]), np.nan)
    grid[: len(examples)] = examples
    return grid.reshape(rows, columns, *examples.shape[1:])


def draw_grid(
    ax: Axes, x_mean, extent: Box, limits: Limits = None, gap: int | None = None
) -> None:
    """Draws (rows, columns, *example shape) in the cells of a grid.

    `extent` has the positions of the first and last column, and last and first row.
    """
    rows, columns = x_mean.shape[:2]
    edges = _outer_edges(*extent[:2], columns) + _outer_edges(*extent[2:], rows)
    _draw_image(ax, tile_images(x_mean, gap), edges, limits or grey_limits(x_mean))
    ax.set(xlim=edges[:2], ylim=edges[2:])


def tile_images(images: np.ndarray, gap: int | None = None) -> np.ndarray:
    """Joins (rows, columns, h, w[, c]) to one image, (H, W[, c]), with gaps of NaN.

    By default the gap is one pixel for small images and wider for large ones.
    """
    rows, columns, h, w, *channels = images.shape
    gap = max(1, h // 28) if gap is None else gap
    widths = [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)][: images.ndim]
    padded = np.pad(images.astype(float), widths, constant_values=np.nan)
    tiled = padded.swapaxes(1, 2)
    tiled = tiled.reshape(rows * (h + gap), columns * (w + gap), *channels)
    return tiled[: rows * (h + gap) - gap, : columns * (w + gap) - gap]


def grey_limits(x: np.ndarray, *others: np.ndarray) -> Limits:
    """The values shown as black and white: 0 and 1 if x is within, else extremes."""
    low, high = extremes(x)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    lowest, highest = zip((low, high), *map(extremes, others), strict=True)
    return min(lowest), max(highest)


def _draw_image(ax, image, edges, limits):
    """Draws a grey or RGB image of square pixels on axes that have these edges."""
    if image.shape[2:] == (3,):
        image = np.nan_to_num(np.clip(image, 0, 1), nan=1.0)
    ax.imshow(image, cmap="gray", vmin=limits[0], vmax=limits[1], extent=edges)
    left, right, bottom, top = edges
    height, width = image.shape[:2]
    ax.set_aspect(height / (top - bottom) * (right - left) / width)


def _outer_edges(first, last, count):
    """The outer edges of a grid's cells: half a step beyond its extreme positions."""
    half = (last - first) / max(count - 1, 1) / 2 or 0.5
    return first - half, last + half

"""Pictures of data: reconstructions, samples and the manifold of a 2-D latent space.

Every function takes arrays and returns a `matplotlib` figure; none opens a window,
writes a file or touches `pyplot`. Data are images, (n, h, w) or (n, h, w, c) with one
or three channels, or feature vectors, (n, d). `plots` draws the numbers, in this style.
"""

from io import BytesIO
from itertools import cycle, zip_longest

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

# Ten colours after Okabe and Ito, told apart with any colour vision, then their tints.
STRONG = (
    "#0072b2 #f0a30a #009e73 #d55e00 #d78fb8 #6cc5f0 #e8dc4a #3d3d3d #7a3e1d #5b3a8e"
).split()
PALETTE = STRONG + [to_hex(0.55 * np.array(to_rgb(c)) + 0.45) for c in STRONG]
GREY = "#8c8c8c"
DARK = "#333333"
LIGHT = "#bbbbbb"
LONG = 64  # features in a vector that is drawn as a line


class Plot(Figure):
    """A figure that a notebook cell displays although `pyplot` never heard of it."""

    def __init__(self, width, height):
        # Constrained layout that also closes the gaps around axes of fixed aspect.
        super().__init__(figsize=(width, height), layout="compressed")

    def savefig(self, *args, bbox_inches="tight", **kwargs):
        """Saves the figure, by default cut to what is drawn."""
        super().savefig(*args, bbox_inches=bbox_inches, **kwargs)

    def _repr_png_(self):
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=150)
        return buffer.getvalue(), {"width": round(100 * self.get_figwidth())}


def require(condition, argument, expected, came):
    """Raises a ValueError that names the argument unless `condition` holds."""
    if not condition:
        raise ValueError(f"{argument}: expected {expected}, got {came}.")


def styled(ax, title="", **settings):
    """Gives `ax` light spines and small ticks, so that the data speak; returns it."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LIGHT)
    ax.tick_params(color=LIGHT, labelcolor=DARK, labelsize=8, length=3)
    ax.set_title(title, fontsize=10, color=DARK, y=1)
    ax.set(**settings)
    return ax


def legend_above(ax, title, texts):
    """Puts a legend of dots, colour -> text, above `ax` and its title, row by row."""
    if not texts:
        return
    fitting = max(1, int(3.3 / (0.06 * max(map(len, texts.values())) + 0.3)))
    columns = -(-len(texts) // -(-len(texts) // fitting))
    dot = {"marker": "o", "linestyle": "", "markersize": 5}
    dots = [Line2D([], [], color=c, label=text, **dot) for c, text in texts.items()]
    above = offset_copy(ax.transAxes, ax.figure, y=22, units="points")
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "bbox_transform": above}
    spacing = {"handlelength": 1, "handletextpad": 0.2, "columnspacing": 1}
    by_row = [dot for first in range(columns) for dot in dots[first::columns]]
    size = {"fontsize": 8, "title_fontsize": 9, "frameon": False, "ncols": columns}
    ax.legend(handles=by_row, title=title, borderaxespad=0, **place, **spacing, **size)


def shared_legend(figure):
    """Puts one legend of the lines of all panels above them, each label once."""
    lines = [line for ax in figure.axes for line in ax.get_lines()]
    handles = {x.get_label(): x for x in lines if not x.get_label().startswith("_")}
    if len(handles) > 1:
        place = {"loc": "outside upper right", "ncols": len(handles), "frameon": False}
        figure.legend(handles=handles.values(), fontsize=8, **place)


def reconstructions(x, x_mean, n=10):
    """Compares the first `n` data with their reconstructions, of the same shape.

    Images: the originals in a row, their reconstructions under them. Vectors: one
    small panel a datum, the reconstruction drawn over the original.
    """
    x, x_mean = _data("x", x), _data("x_mean", x_mean)
    same = x.shape == x_mean.shape
    require(same, "x_mean", f"the shape of x, {x.shape}", x_mean.shape)
    require(n >= 1, "n", "at least 1", n)
    x, x_mean = x[:n], x_mean[:n]
    if x.ndim == 2:
        dots = {"linestyle": "", "marker": "."} if x.shape[1] <= LONG else {}
        styles = [{"color": GREY, "label": "original"} | dots]
        styles += [{"color": PALETTE[0], "label": "reconstruction"}]
        return _draw_over(np.stack([x, x_mean], axis=1), styles)
    picture = tile(np.stack([x, x_mean]))
    height, width = picture.shape[:2]
    figure = Plot(0.75 * len(x) + 1.1, 0.75 * len(x) * height / width + 0.1)
    ax = figure.subplots()
    draw_picture(ax, picture, grey_limits(x, x_mean))
    ax.set_yticks([height / 4, 3 * height / 4], ["original", "reconstruction"])
    ax.tick_params(length=0, labelsize=10, labelcolor=DARK)
    return figure


def samples(x_mean, columns=10, title="Decoded samples"):
    """Shows decoded data, images in a grid of `columns`.

    Vectors are drawn as lines, `columns` of them over each other in every panel.
    """
    x_mean = _data("x_mean", x_mean)
    require(columns >= 1, "columns", "at least 1", columns)
    columns = min(columns, len(x_mean))
    if x_mean.ndim == 2:
        groups = [x_mean[i : i + columns] for i in range(0, len(x_mean), columns)]
        figure = _draw_over(groups, [{"color": colour} for colour in PALETTE])
    else:
        rows = -(-len(x_mean) // columns)
        grid = np.full((rows * columns, *x_mean.shape[1:]), np.nan)
        grid[: len(x_mean)] = x_mean
        picture = tile(grid.reshape(rows, columns, *x_mean.shape[1:]))
        width = 0.75 * columns
        figure = Plot(width, width * picture.shape[0] / picture.shape[1] + 0.35)
        draw_picture(figure.subplots(), picture, grey_limits(x_mean))
    figure.suptitle(title, fontsize=11, color=DARK)
    return figure


def manifold(x_mean, extent):
    """Shows what a regular grid over a 2-D latent space decodes to.

    Args:
      x_mean: (rows, columns, h, w[, c]) or (rows, columns, d), as one sees it: z1
        rises along the columns, and z2 falls along the rows, from z2_max at the top.
      extent: (z1_min, z1_max, z2_min, z2_max), the extremes of an even grid.
    """
    x_mean = _data("x_mean", x_mean, grid=("rows", "columns"))
    require(len(extent) == 4, "extent", "(z1_min, z1_max, z2_min, z2_max)", extent)
    rows, columns, *event = x_mean.shape
    width, h, w = (6.5, 1, 1) if len(event) == 1 else (6.0, *event[:2])
    figure = Plot(width, width * rows * h / (columns * w))
    draw_cells(figure.subplots(), x_mean, extent, gap=0)
    styled(figure.axes[0], xlabel="$z_1$", ylabel="$z_2$")
    return figure


def draw_cells(ax, x_mean, extent, limits=None, gap=None):
    """Draws (rows, columns, h, w[, c]) or (rows, columns, d) in the cells of a grid.

    Args:
      extent: where the first and last column, and the last and first row, are.
      limits: the least and greatest value shown; by default those of `x_mean`.
      gap: pixels between images; see `tile`.
    """
    rows, columns = x_mean.shape[:2]
    edges = _edges(*extent[:2], columns) + _edges(*extent[2:], rows)
    if x_mean.ndim == 3:
        _draw_in_cells(ax, x_mean, extent, edges, limits)
    else:
        draw_picture(ax, tile(x_mean, gap), limits or grey_limits(x_mean), edges)
    ax.set(xlim=edges[:2], ylim=edges[2:])


def tile(images, gap=None):
    """Lays (rows, columns, h, w[, c]) out as one (H, W[, c]), with gaps of NaN.

    The gap is one pixel for small images, and grows with large ones.
    """
    rows, columns, h, w, *channels = images.shape
    gap = max(1, h // 28) if gap is None else gap
    widths = [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)][: images.ndim]
    padded = np.pad(images.astype(float), widths, constant_values=np.nan)
    picture = padded.swapaxes(1, 2)
    picture = picture.reshape(rows * (h + gap), columns * (w + gap), *channels)
    return picture[: rows * (h + gap) - gap, : columns * (w + gap) - gap]


def grey_limits(data, *others):
    """What black and white stand for: 0 and 1 if `data` keep to them, else extremes."""
    if np.nanmin(data) >= 0 and np.nanmax(data) <= 1:
        return 0.0, 1.0
    arrays = (data, *others)
    return min(map(np.nanmin, arrays)), max(map(np.nanmax, arrays))


def _data(argument, data, grid=("n",)):
    """Checks that `data` are vectors or images on the axes `grid`."""
    data = np.asarray(data)
    events = [("d",), ("h", "w"), ("h", "w", "1 or 3")]
    shapes = " or ".join(f"({', '.join(grid + event)})" for event in events)
    rank = data.ndim - len(grid)
    fits = rank in (1, 2) or (rank == 3 and data.shape[-1] in (1, 3))
    require(fits and data.size, argument, f"shape {shapes}, not empty", data.shape)
    return data


def draw_picture(ax, picture, limits, edges=None):
    """Shows a tiled picture, grey or RGB; with `edges`, on axes that they span."""
    if picture.shape[2:] == (3,):
        picture = np.nan_to_num(np.clip(picture, 0, 1), nan=1.0)
    elif picture.ndim == 3:
        picture = picture[..., 0]
    low, high = limits
    ax.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=edges)
    if edges is None:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    else:
        left, right, bottom, top = edges
        height, width = picture.shape[:2]
        ax.set_aspect(height / (top - bottom) * (right - left) / width)


def _edges(first, last, count):
    """Where a grid's outermost cells end: half a step beyond its extreme values."""
    half = (last - first) / max(count - 1, 1) / 2 or 0.5
    return first - half, last + half


def _draw_in_cells(ax, x_mean, extent, edges, limits=None):
    """Draws the vectors (rows, columns, d) as small lines, each in its grid cell."""
    if x_mean.shape[2] == 1:  # a flat line, for a point would not be seen
        x_mean = np.repeat(x_mean, 2, axis=2)
    rows, columns, d = x_mean.shape
    z1, z2 = np.linspace(*extent[:2], columns), np.linspace(*extent[:1:-1], rows)
    steps = (edges[1] - edges[0]) / columns, (edges[3] - edges[2]) / rows
    low, high = limits or (np.nanmin(x_mean), np.nanmax(x_mean))
    across = 0.8 * steps[0] * np.linspace(-0.5, 0.5, d)
    up = 0.8 * steps[1] * ((x_mean - low) / (high - low or 1) - 0.5)
    for i, j in np.ndindex(rows, columns):
        ax.plot(z1[j] + across, z2[i] + up[i, j], color=PALETTE[0], linewidth=0.9)


def _draw_over(groups, styles):
    """Small multiples: in each panel a group of vectors (m, d), one style a vector.

    Vectors are steps, for features have no between, but long ones plain lines.
    """
    count, d = len(groups), groups[0].shape[1]
    columns = min(2, count)
    rows = -(-count // columns)
    figure = Plot(3.6 * columns, 1.0 * rows + 0.9)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax, group in zip_longest(axes.flat, groups):
        styled(ax).set_visible(group is not None)
        for vector, style in zip(() if group is None else group, cycle(styles)):
            drawn = {"drawstyle": "default" if d > LONG else "steps-mid"}
            ax.plot(vector, **drawn | {"linewidth": 1.2} | style)
    for ax in axes.flat[count - columns : count]:
        ax.tick_params(labelbottom=True)
    figure.supxlabel("feature", fontsize=10, color=DARK)
    shared_legend(figure)
    return figure

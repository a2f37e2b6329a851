"""The plane of two latent dimensions of a table: one heat map for each column."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from models.plotting import columns as tools
from models.plotting.columns import Columns
from models.plotting.style import DARK, LIGHT, PALETTE, check_argument

MAX_POINTS = 500
MAX_NAMED = 6  # categories in a legend


def plot_column_planes(
    columns: Columns,
    extent: tuple[float, float, float, float],
    points: np.ndarray,
    title: str = "",
) -> Figure:
    """Draws decoded columns over a regular grid in a 2-D latent space.

    Args:
        columns: name -> (rows, columns), as displayed: z1 rises along the columns, and
            z2 falls along the rows.
        extent: (z1_min, z1_max, z2_min, z2_max), the extremes of the grid.
        points: (n, 2), the latents of data, drawn as small dots.
        title: above the figure.

    Raises:
        ValueError: if a shape is wrong.
    """
    tools.check_columns("columns", columns)
    expected = "(z1_min, z1_max, z2_min, z2_max)"
    check_argument(len(extent) == 4, "extent", expected, extent)
    panels = tools.make_panels(columns, title, width=2.5, height=2.2, across=4)
    for name, ax in panels.items():
        draw = _draw_categories if tools.is_category(columns[name]) else _draw_numbers
        draw(ax, columns[name], extent)
        shown = points[:: -(-len(points) // MAX_POINTS)]
        dots = {"color": "black", "alpha": 0.3, "linewidths": 0, "s": 4}
        ax.scatter(*shown.T, **dots)
        ax.set(xlim=extent[:2], ylim=extent[2:])
        ax.locator_params(nbins=4)
    ax.figure.supxlabel("z₁", fontsize=9, color=DARK)
    ax.figure.supylabel("z₂", fontsize=9, color=DARK)
    return ax.figure


def _draw_numbers(ax, values, extent):
    """A heat map with a colour bar in the units of the column."""
    numbers = tools.to_numbers(values)
    place = {"extent": extent, "aspect": "auto", "interpolation": "bilinear"}
    image = ax.imshow(numbers, cmap="viridis", **place)
    bar = ax.figure.colorbar(image, cax=ax.inset_axes([1.03, 0, 0.05, 1]))
    tools.set_units(bar.ax.yaxis, values)
    bar.ax.tick_params(labelsize=7, color=LIGHT, length=2)
    bar.outline.set_visible(False)


def _draw_categories(ax, values, extent):
    """The most probable category at each place, each in its colour."""
    names = tools.category_names(values)
    colours = [PALETTE[k % len(PALETTE)] for k in range(len(names))]
    place = {"extent": extent, "aspect": "auto", "interpolation": "nearest"}
    limits = {"vmin": -0.5, "vmax": len(names) - 0.5}
    numbers = tools.to_numbers(values, names)
    ax.imshow(numbers, cmap=ListedColormap(colours), alpha=0.55, **place, **limits)
    square = {"marker": "s", "linestyle": "", "markersize": 6}
    marks = [
        Line2D([], [], color=colour, label=tools.short_name(name), **square)
        for name, colour in zip(names[:MAX_NAMED], colours, strict=False)
    ]
    look = {"fontsize": 7, "frameon": False, "handletextpad": 0.1, "borderpad": 0}
    ax.legend(handles=marks, loc="upper left", bbox_to_anchor=(1.0, 1.0), **look)

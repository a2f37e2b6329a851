"""What latents do to the columns of a table: a heat map, and lines along paths."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from models.plotting import columns as tools
from models.plotting.columns import Columns, short_name
from models.plotting.style import (
    DARK,
    LIGHT,
    PALETTE,
    InlineFigure,
    add_shared_legend,
    check_argument,
    latent_name,
    style_axes,
)

MAX_LATENTS = 20
MAX_ENTRIES = 40  # rows of the heat map
MAX_WRITTEN = 12  # latents up to which the numbers are written


def plot_latent_effects(
    effects: np.ndarray, names: Sequence[str], title: str = ""
) -> Figure:
    """Draws how much each latent changes each column: blue less, red more.

    The latents with the largest effect come first; of many, they alone are shown.

    Args:
        effects: (latent_dim, d), the change of the decoded column along a latent, in
            standard deviations of the column.
        names: of the d columns.
        title: above the figure.

    Raises:
        ValueError: if there is no name for each column.
    """
    effects = np.asarray(effects, float)
    n = effects.shape[-1]
    check_argument(len(names) == n, "names", f"{n} names", len(names))
    latents = np.argsort(-np.square(effects).sum(axis=1), kind="stable")[:MAX_LATENTS]
    rows = np.sort(np.argsort(-np.abs(effects).max(axis=0))[:MAX_ENTRIES])
    shown = effects[np.ix_(latents, rows)].T
    size = 1.6 + 0.42 * len(latents) + 1.2, 0.9 + 0.2 * len(rows)
    ax = InlineFigure(max(size[0], 4.2), max(size[1], 2.2)).subplots()
    bound = max(np.abs(shown).max(), 0.5)
    colours = {"cmap": "RdBu_r", "vmin": -bound, "vmax": bound, "aspect": "auto"}
    image = ax.imshow(shown, **colours)
    style_axes(ax).spines[:].set_visible(False)
    ax.set_xticks(range(len(latents)), [latent_name(d + 1) for d in latents])
    ax.set_yticks(range(len(rows)), [short_name(names[row], 32) for row in rows])
    ax.tick_params(length=0, labelsize=8)
    ax.tick_params(axis="x", labelsize=9)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7, color=LIGHT, length=2)
    if len(rows) < n:
        title += f"\nthe {len(rows)} of {n} columns with the largest effect"
    ax.figure.suptitle(title, fontsize=10, color=DARK)
    if len(latents) <= MAX_WRITTEN:
        _write_numbers(ax, shown, bound)
    return ax.figure


def _write_numbers(ax, shown, bound):
    for row, column in np.argwhere(np.abs(shown) >= 0.05):
        value = shown[row, column]
        colour = "white" if abs(value) > 0.6 * bound else DARK
        text = f"{value:.1f}".replace("-", "\N{MINUS SIGN}")
        place = {"ha": "center", "va": "center", "fontsize": 7}
        ax.text(column, row, text, color=colour, **place)


def plot_column_paths(
    along: np.ndarray,
    paths: Mapping[str, Columns],
    data: Columns,
    *,
    xlabel: str = "",
    title: str = "",
    ends: Columns | None = None,
) -> Figure:
    """Draws the decoded columns along paths through the latent space.

    One panel for each column, one line for each path; a grey band has the middle 90 %
    of the data.

    Args:
        along: (steps,), the positions on the paths.
        paths: name -> columns, (steps,) each.
        data: the columns of the data, which the axes contain.
        xlabel: what `along` is.
        title: above the figure.
        ends: the columns, (2,), of two examples, drawn as dots at both ends.

    Raises:
        ValueError: if shapes differ.
    """
    for path, columns in paths.items():
        tools.check_columns(f"paths[{path!r}]", columns, np.shape(along))
    panels = tools.make_panels([*next(iter(paths.values()))], title, height=1.7)
    for name, ax in panels.items():
        lines = {path: columns[name] for path, columns in paths.items()}
        _draw_lines(ax, along, lines, data[name], ends and ends[name])
    # at the left of the legend
    ax.figure.supxlabel(xlabel, x=0.02, ha="left", fontsize=9, color=DARK)
    add_shared_legend(ax.figure, "lower right")
    return ax.figure


def _draw_lines(ax, along, lines, data, ends):
    """The lines of one column, and the band of its data."""
    names, style = None, {"linewidth": 1.5, "alpha": 0.9}
    if tools.is_category(data):
        names = tools.category_names(data, *lines.values())
        style["drawstyle"] = "steps-mid"
        ax.set_ylim(-0.5, len(names) - 0.5)
    else:
        band = np.nanquantile(tools.to_numbers(data), [0.05, 0.95])
        look = {"color": LIGHT, "alpha": 0.25, "linewidth": 0}
        ax.axhspan(*band, label="90 % of the data", **look)
    for k, (label, values) in enumerate(lines.items()):
        y = tools.to_numbers(values, names)
        # dashes over a line that may be the same
        look = {"linestyle": (0, (3, 2)) if k == 1 and len(lines) == 2 else "-"}
        ax.plot(along, y, color=PALETTE[3 * k % 10], label=label, **style, **look)
    if ends is not None:
        y = tools.to_numbers(ends, names)
        ax.plot(along[[0, -1]], y, "o", color=DARK, markersize=4, label="the two rows")
    tools.set_units(ax.yaxis, data, names)

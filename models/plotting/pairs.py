"""Pairs of columns of a table against one another, coloured by label and by class."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from models.plotting import columns as tools
from models.plotting.columns import Columns, short_name
from models.plotting.latent_space import match_colours, value_colours
from models.plotting.style import (
    DARK,
    GREY,
    PALETTE,
    InlineFigure,
    check_argument,
    style_axes,
)

MAX_POINTS = 1500  # in a panel
MAX_PAIRED = 6
MAX_CORRELATION = 0.95  # of two columns that show the same
N_BINS = 20


def plot_pairs(
    columns: Columns,
    colourings: dict[str, np.ndarray],
    label_names: Sequence[str] | None = None,
    relevance: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Figure | None:
    """Scatters pairs of columns; `None` without a column of numbers or dates.

    The first colouring is below the diagonal, and in the histograms on it; the second
    above it. At most six columns are shown, those that the first colouring separates
    best, but for columns that nearly repeat another.

    Args:
        columns: name -> (n,), numbers, datetime64 or text; the last are left out.
        colourings: "label" and "class", if there are any: (n,) integers. A class has
            the colour of its matched label.
        label_names: the names of the labels.
        relevance: of each column, which decides where there are no two groups.
        seed: selects which rows are drawn, and their order.

    Raises:
        ValueError: if a shape is wrong.
    """
    tools.check_columns("columns", columns)
    n = len(next(iter(columns.values())))
    for name, codes in colourings.items():
        where = f"colourings[{name!r}]"
        check_argument(np.shape(codes) == (n,), where, f"shape ({n},)", np.shape(codes))
    typed = {k: v for k, v in columns.items() if not tools.is_category(v)}
    if not typed:
        return None
    groups = next(iter(colourings.values()), None)
    reason = "that separate the groups best"
    scores = {name: separation(values, groups) for name, values in typed.items()}
    if relevance is not None and (groups is None or len(np.unique(groups)) < 2):
        scores, reason = relevance, "with the largest effect of the latents"
    shown = select_pairs(typed, scores)
    kinds = list(colourings.items())
    colours = _colours(colourings)
    order = np.random.default_rng(seed).permutation(n)[:MAX_POINTS]
    subset = f": {len(shown)} of {len(typed)}, those {reason}"
    title = "Pairs of columns" + subset * (len(shown) < len(typed))
    figure, axes = _make_grid([*shown], title)
    for (row, column), ax in np.ndenumerate(axes):
        pair = [shown[name] for name in (list(shown)[column], list(shown)[row])]
        kind, codes = kinds[(column > row) % len(kinds)] if kinds else ("", None)
        if row == column:
            _draw_histograms(ax, pair[0], codes, colours.get(kind))
        elif column < row or len(kinds) > 1:
            _draw_dots(ax, *pair, codes, colours.get(kind), order)
        else:
            ax.remove()
            continue
        tools.set_units(ax.xaxis, pair[0])
        if row != column:
            tools.set_units(ax.yaxis, pair[1])
    _add_keys(figure, colours, label_names)
    return figure


def separation(values: np.ndarray, codes: np.ndarray | None) -> float:
    """The share of the variance that is between groups (eta squared).

    Without groups, all columns are equal. Empty cells are left out.
    """
    filled = tools.is_filled(values)
    if codes is None or not filled.any():
        return 0.0
    numbers, codes = tools.to_numbers(values)[filled], np.asarray(codes)[filled]
    _, groups = np.unique(codes, return_inverse=True)
    sizes = np.bincount(groups)
    means = np.bincount(groups, numbers) / sizes
    between = np.sum(sizes * np.square(means - numbers.mean()))
    return float(between / (np.sum(np.square(numbers - numbers.mean())) or 1))


def select_pairs(
    columns: Columns, scores: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """At most six columns in their order, of the highest scores, but for copies."""
    ranked = sorted(columns, key=lambda name: -scores[name])
    if len(columns) > MAX_PAIRED:
        chosen = []
        for name in ranked:
            like = (_correlation(columns[name], columns[other]) for other in chosen)
            if max(like, default=0) < MAX_CORRELATION:
                chosen.append(name)
        ranked = chosen + [name for name in ranked if name not in chosen]
    return {name: columns[name] for name in columns if name in ranked[:MAX_PAIRED]}


def _correlation(a, b):
    both = tools.is_filled(a) & tools.is_filled(b)
    pair = tools.to_numbers(a)[both], tools.to_numbers(b)[both]
    if len(pair[0]) < 2 or 0 in map(np.ptp, pair):
        return 0.0
    return abs(np.corrcoef(*pair)[0, 1])


def _colours(colourings):
    """Kind -> value -> colour."""
    colours = {kind: value_colours(codes) for kind, codes in colourings.items()}
    if len(colours) == 2 and max(map(len, colours.values())) <= len(PALETTE):
        labels, classes = colourings["label"], colourings["class"]
        colours["class"] = match_colours(classes, labels, colours["label"])
    return colours


def _make_grid(names, title):
    """A square of panels with the names of columns at its left and lower edge."""
    count = len(names)
    size = 1.5 * count + 0.8
    figure = InlineFigure(size + 0.4, size)
    axes = figure.subplots(count, count, squeeze=False, sharex="col")
    for (row, column), ax in np.ndenumerate(axes):
        style_axes(ax).tick_params(labelsize=7, labelleft=column == 0 and row > 0)
        ax.tick_params(labelbottom=row == count - 1)
        if row == count - 1:
            ax.set_xlabel(short_name(names[column], 22), fontsize=8, color=DARK)
        if column == 0:
            ax.set_ylabel(short_name(names[row], 22), fontsize=8, color=DARK)
    figure.suptitle(title, fontsize=11, color=DARK)
    return figure, axes


def _draw_dots(ax, x, y, codes, colours, order):
    points = [tools.to_numbers(each)[order] for each in (x, y)]
    size = np.clip(150 / np.sqrt(len(order)), 3, 14)
    colour = GREY if codes is None else [colours[v] for v in codes[order].tolist()]
    ax.scatter(*points, c=colour, s=size, alpha=0.7, linewidths=0)


def _draw_histograms(ax, values, codes, colours):
    """The distribution of each group, as a share of all rows."""
    filled = tools.is_filled(values)
    numbers = tools.to_numbers(values)[filled]
    edges = np.histogram_bin_edges(numbers, N_BINS)
    groups = {None: GREY} if codes is None else colours
    for value, colour in groups.items():
        group = numbers if value is None else numbers[codes[filled] == value]
        ax.hist(group, edges, histtype="stepfilled", color=colour, alpha=0.55)
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])


def _add_keys(figure, colours, label_names):
    """The meaning of the colours: of the first at the left, of the second right."""
    for kind, side in zip(colours, ("left", "right"), strict=False):
        if len(colours[kind]) > len(PALETTE):
            continue
        is_label = kind == "label" and label_names is not None
        names = {k: label_names[k] if is_label else k for k in colours[kind]}
        dot = {"marker": "o", "linestyle": "", "markersize": 5}
        dots = [
            Line2D([], [], color=colour, label=short_name(str(names[k])), **dot)
            for k, colour in colours[kind].items()
        ]
        where = {"left": "below", "right": "above"}[side]
        title = f"{kind}, {where} the diagonal" if len(colours) > 1 else kind
        look = {"frameon": False, "fontsize": 8, "title_fontsize": 9, "ncols": 3}
        look |= {"handletextpad": 0.2, "columnspacing": 1}
        figure.legend(handles=dots, loc=f"outside upper {side}", title=title, **look)

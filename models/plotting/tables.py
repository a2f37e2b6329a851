"""Figures of a table: reconstructions and samples, one small panel for each column."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from models.plotting import columns as tools
from models.plotting.columns import Columns
from models.plotting.style import (
    DARK,
    LIGHT,
    PALETTE,
    add_shared_legend,
    check_argument,
)

MAX_POINTS = 1000  # in a panel
MAX_BINS = 30
MAX_WRITTEN = 5  # categories whose shares are written


def plot_column_reconstructions(
    columns: Columns, predicted: Columns, scores: Mapping[str, float]
) -> Figure:
    """Draws true against reconstructed values, one panel for each column.

    Numbers and dates are dots around the diagonal, with R^2; categories are shares of
    reconstructed categories, with that of right ones. Of more than 20 columns those
    with the largest R^2, or share of right ones, are shown.

    Args:
        columns: name -> (n,), numbers, datetime64 or text; empty cells are left out.
        predicted: the same columns, reconstructed.
        scores: name -> R^2, or of categories the share of right ones; NaN if there is
            none.

    Raises:
        ValueError: if names or lengths differ.
    """
    _check_same("predicted", columns, predicted)
    shown, note = tools.select_columns(columns, scores, "R² or share right")
    title = f"Reconstructions{note}"
    for name, ax in tools.make_panels(shown, title).items():
        filled = tools.is_filled(columns[name])
        pair = columns[name][filled], predicted[name][filled]
        draw = _draw_confusion if tools.is_category(pair[0]) else _draw_diagonal
        if filled.any():
            draw(ax, *pair, scores[name])
    ax.figure.supxlabel("true", fontsize=9, color=DARK)
    ax.figure.supylabel("reconstructed", fontsize=9, color=DARK)
    return ax.figure


def _check_same(argument, columns, others):
    tools.check_columns("columns", columns)
    names = [*others]
    check_argument(names == [*columns], argument, f"the columns {[*columns]}", names)


def _draw_diagonal(ax, values, predicted, score):
    """Dots of (true, reconstructed), on one scale, and the diagonal."""
    step = -(-len(values) // MAX_POINTS)
    points = np.stack([tools.to_numbers(each) for each in (values, predicted)])
    low, high = points.min(), points.max()
    margin = 0.05 * (high - low) or 0.5
    limits = low - margin, high + margin
    ax.plot(limits, limits, color=LIGHT, linewidth=1, zorder=0)
    ax.scatter(*points[:, ::step], s=7, color=PALETTE[0], alpha=0.5, linewidths=0)
    ax.set(xlim=limits, ylim=limits, aspect="equal")
    tools.set_units(ax.xaxis, values)
    tools.set_units(ax.yaxis, values)
    place = {"transform": ax.transAxes, "ha": "left", "va": "top", "fontsize": 8}
    text = "constant" if np.isnan(score) else f"R² {score:.2f}"
    ax.text(0.04, 0.97, text, color=DARK, **place)


def _draw_confusion(ax, values, predicted, score):
    """The shares of reconstructed categories, upwards, of each true one."""
    names = tools.category_names(values, predicted)
    shares = confusion_matrix(values, predicted, labels=names, normalize="true").T
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="lower", aspect="equal")
    tools.set_units(ax.yaxis, values, names)
    tools.set_units(ax.xaxis, values, names)
    ax.tick_params(axis="x", rotation=90 if len(names) > 2 else 0)
    if len(names) > 8:
        ax.set(xticks=[], yticks=[])
    ax.set_xlabel(f"{score:.0%} right", fontsize=8, color=DARK)
    if len(names) <= MAX_WRITTEN:
        for row, column in np.argwhere(shares >= 0.005):
            share = shares[row, column]
            look = {"color": "white" if share > 0.6 else DARK, "fontsize": 7}
            ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", **look)


def plot_column_samples(
    columns: Columns, samples: Columns, title: str = "Data and decoded samples"
) -> Figure:
    """Draws the distribution of the data and of samples, one panel for each column.

    Args:
        columns: name -> (n,), numbers, datetime64 or text; empty cells are left out.
            Of more than 20 the first are shown.
        samples: the same columns, sampled: (m,).
        title: above the figure.

    Raises:
        ValueError: if names or lengths differ.
    """
    _check_same("samples", columns, samples)
    shown = [*columns][: tools.MAX_COLUMNS]
    if len(shown) < len(columns):
        title += f"\nthe first {len(shown)} of {len(columns)} columns"
    for name, ax in tools.make_panels(shown, title, height=1.6).items():
        pair = [each[name][tools.is_filled(each[name])] for each in (columns, samples)]
        draw = _draw_bars if tools.is_category(pair[0]) else _draw_histograms
        if min(map(len, pair)):
            draw(ax, *pair)
        ax.set(yticks=[])
        ax.spines["left"].set_visible(False)
    add_shared_legend(ax.figure, "lower right")
    return ax.figure


def _draw_histograms(ax, values, sampled):
    """Two densities; the range leaves out the rarest extremes."""
    data, drawn = tools.to_numbers(values), tools.to_numbers(sampled)
    ends = np.stack([np.quantile(each, [0.002, 0.998]) for each in (data, drawn)])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    edges = _edges(data, low, high)
    ax.hist(data, edges, density=True, color=LIGHT, label="data")
    line = {"histtype": "step", "color": PALETTE[0], "linewidth": 1.4}
    ax.hist(drawn, edges, density=True, label="samples", **line)
    tools.set_units(ax.xaxis, values)


def _edges(data, low, high):
    """The edges of bins; each has as many integers as the others, if data are some."""
    bins = int(np.clip(1.2 * np.sqrt(len(data)), 8, MAX_BINS))
    if np.all(data == np.round(data)):
        width = max(np.ceil((high - low) / bins), 1)
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + width, width)
    return np.linspace(low, high, bins + 1) if high > low else [low - 0.5, low + 0.5]


def _draw_bars(ax, values, sampled):
    """The shares of the categories, upwards, in the data and in the samples."""
    names = tools.category_names(values, sampled)
    looks = [(-0.2, LIGHT, "data"), (0.2, PALETTE[0], "samples")]
    for each, (at, colour, label) in zip((values, sampled), looks, strict=True):
        shares = [np.mean(each == name) for name in names]
        ax.bar(np.arange(len(names)) + at, shares, 0.4, color=colour, label=label)
    tools.set_units(ax.xaxis, values, names)
    if len(names) > 3:
        ax.tick_params(axis="x", rotation=90)

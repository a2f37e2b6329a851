"""Sequences that are cut into pieces, as those of a hidden semi-Markov model."""

import numpy as np
from matplotlib.figure import Figure

from models.plotting.latent_space import match_colours, value_colours
from models.plotting.style import (
    DARK,
    GREY,
    InlineFigure,
    add_dot_legend,
    check_argument,
    style_axes,
)

LINES = ("-", "--", ":", "-.")  # of the dimensions


def plot_segments(x, segments, lengths=None, labels=None, limit: int = 5) -> Figure:
    """Draws sequences below one another, with a colour for the class of each piece.

    Args:
        x: (n, D), the steps of all sequences, one sequence after the other.
        segments: (m, 3), integers: the first row of each piece, the row after its last,
            and its class.
        lengths: the number of steps of each sequence; `None` is one sequence.
        labels: (n,), integers: a strip below each sequence has the true classes, and
            each class the colour of the label that it matches best.
        limit: how many sequences are drawn, the first.

    Raises:
        ValueError: the pieces are not those of the n steps, or lengths or labels are
            not of n steps.
    """
    x, segments = _checked(x, segments)
    lengths = [len(x)] if lengths is None else [*lengths]
    check_argument(sum(lengths) == len(x), "lengths", f"{len(x)} steps", sum(lengths))
    colours = _class_colours(segments, labels)
    strip = None if labels is None else value_colours(labels)
    figure = InlineFigure(9, 1.4 * min(limit, len(lengths)) + 0.4)
    axes = figure.subplots(min(limit, len(lengths)), 1, squeeze=False, sharex=True)[
        :, 0
    ]
    first = 0
    for ax, length in zip(axes, lengths, strict=False):
        part = slice(first, first + length)
        inside = (segments[:, 0] >= first) & (segments[:, 0] < first + length)
        _draw_sequence(ax, x[part], segments[inside] - [first, first, 0], colours)
        if strip is not None:
            _draw_strip(ax, labels[part], strip)
        first += length
    axes[-1].set_xlabel("step", fontsize=9, color=DARK)
    axes[0].set_title(f"{len(segments)} pieces of {len(colours)} classes", fontsize=10)
    add_dot_legend(axes[0], "", {c: f"class {k}" for k, c in colours.items()})
    return figure


def _checked(x, segments):
    """x (n, D) and segments (m, 3), which must join to the n steps."""
    x, segments = np.asarray(x, float), np.asarray(segments)
    check_argument(x.ndim == 2, "x", "shape (n, D)", x.shape)
    is_table = segments.ndim == 2 and segments.shape[1] == 3 and len(segments) > 0
    check_argument(is_table, "segments", "shape (m, 3)", segments.shape)
    joins = [*segments[1:, 0], len(x)]
    fits = segments[0, 0] == 0 and np.array_equal(segments[:, 1], joins)
    expected = f"pieces that join to the {len(x)} steps of x"
    check_argument(fits, "segments", expected, f"cuts at {segments[:, 1].tolist()}")
    return x, segments


def _class_colours(segments, labels):
    """Class -> colour: that of the label that it matches best, if there are labels."""
    if labels is None:
        return value_colours(segments[:, 2])
    n = int(segments[-1, 1])
    shape = np.shape(labels)
    check_argument(shape == (n,), "labels", f"shape {(n,)}", shape)
    classes = np.repeat(segments[:, 2], segments[:, 1] - segments[:, 0])
    return match_colours(classes, labels, value_colours(labels))


def _draw_sequence(ax, x, segments, colours):
    """The values of one sequence; a step is half a unit to both sides of its number."""
    for first, end, k in segments:
        ax.axvspan(first - 0.5, end - 0.5, color=colours[k], alpha=0.35, linewidth=0)
        if first:
            ax.axvline(first - 0.5, color=GREY, linewidth=0.6)
    for number, values in enumerate(x.T):
        ax.plot(values, LINES[number % len(LINES)], color=DARK, linewidth=0.9)
    style_axes(ax, xlim=(-0.5, len(x) - 0.5))


def _draw_strip(ax, labels, colours):
    """The labels of the steps, along the lower edge."""
    cuts = 1 + np.flatnonzero(np.diff(labels))
    for run in np.split(np.arange(len(labels)), cuts):
        edges = run[0] - 0.5, run[-1] + 0.5
        ax.axvspan(*edges, 0, 0.07, color=colours[labels[run[0]]], linewidth=0)


def plot_pieces(x, segments, means=None, labels=None, limit: int = 30) -> Figure:
    """Draws the pieces of each class over one another, stretched to one length.

    Args:
        x: (n, D), as of `plot_segments`.
        segments: (m, 3), as of `plot_segments`.
        means: (K, P, D), the trajectory of each class: P values along a piece, drawn as
            a thick line.
        labels: (n,), as of `plot_segments`, for the same colours.
        limit: how many pieces of a class are drawn, evenly spread over all of them.

    Raises:
        ValueError: the pieces, or the labels, are not those of the n steps.
    """
    x, segments = _checked(x, segments)
    colours, n_dims = _class_colours(segments, labels), x.shape[1]
    figure = InlineFigure(2.2 * len(colours) + 0.4, 1.7 * n_dims + 0.4)
    axes = figure.subplots(
        n_dims, len(colours), squeeze=False, sharey="row", sharex=True
    )
    for column, (k, colour) in zip(axes.T, colours.items(), strict=True):
        found = segments[segments[:, 2] == k]
        spread = np.linspace(0, len(found) - 1, min(limit, len(found))).astype(int)
        for number, ax in enumerate(column):
            for first, end, _ in found[spread]:
                u = (np.arange(end - first) + 0.5) / (end - first)
                ax.plot(u, x[first:end, number], color=colour, linewidth=0.6, alpha=0.6)
            if means is not None:
                along = (np.arange(means.shape[1]) + 0.5) / means.shape[1]
                ax.plot(along, means[k, :, number], color=DARK, linewidth=1.8)
            title = f"class {k}: {len(found)} pieces" if number == 0 else ""
            style_axes(ax, title, xlim=(0, 1), xticks=(0, 0.5, 1))
    for number, ax in enumerate(axes[:, 0]):
        ax.set_ylabel(f"x{number + 1}", fontsize=9, color=DARK)
    axes[-1, len(colours) // 2].set_xlabel("position in the piece", fontsize=9)
    return figure

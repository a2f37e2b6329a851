"""The scores of a model on one page."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

from models.plotting.columns import short_name
from models.plotting.image_grids import draw_named_grid, grey_limits
from models.plotting.style import DARK, GREY, PALETTE, InlineFigure, style_axes

N_EXTREMES = 10  # of the most and of the least probable examples


def plot_evaluation(
    text: str,
    log_px: np.ndarray,
    elbo: np.ndarray,
    kl_per_dimension: np.ndarray | None = None,
    classes: tuple | None = None,
    extremes: tuple[np.ndarray, np.ndarray] | None = None,
    columns: dict[str, tuple[float, str]] | None = None,
) -> Figure:
    """Draws scores, KL by dimension, log p(x), classes, extreme images or columns.

    Args:
        text: the table, in lines.
        log_px: log p(x) of each example, (n,), in nats.
        elbo: the ELBO of each example, (n,), in nats.
        kl_per_dimension: (latent_dim,), in nats; None if it is not defined.
        classes: labels (n,), classes (n,), and the names of the labels by label.
        extremes: images in `extreme_rows` and reconstructions, each (2, m, h, w[, c]).
        columns: of a table, name -> (R^2 or the share of right categories, the error in
            words); the best and the worst are shown.
    """
    rows = [
        [
            (1.25, _draw_table, text),
            (1, _draw_kl, kl_per_dimension),
            (1, _draw_histograms, {"log p(x)": log_px, "ELBO": elbo}),
        ],
        [
            (1, _draw_confusion, classes),
            (1.6, _draw_extremes, extremes),
            (1.6, _draw_columns, columns),
        ],
    ]
    rows = [[panel for panel in row if panel[2] is not None] for row in rows]
    rows = [row for row in rows if row]
    figure = InlineFigure(11, 0.8 + 3.6 * len(rows))
    parts = figure.subfigures(len(rows), 1, squeeze=False).flat
    for part, row in zip(parts, rows, strict=True):
        ratios, draws, contents = zip(*row, strict=True)
        axes = part.subplots(1, len(row), width_ratios=ratios, squeeze=False).flat
        for ax, draw, content in zip(axes, draws, contents, strict=True):
            draw(ax, content)
    return figure


def extreme_rows(log_px: np.ndarray) -> np.ndarray:
    """The rows with the highest and the lowest log p(x), (2, at most 10)."""
    order = np.argsort(-log_px)
    n = min(N_EXTREMES, len(order))
    return np.stack([order[:n], order[-n:]])


def _draw_table(ax, text):
    ax.text(0, 1, text, family="monospace", fontsize=7, color=DARK, va="top")
    ax.axis("off")


def _draw_kl(ax, kl):
    """Bars, the largest first: inactive dimensions come last."""
    ax.bar(np.arange(1, len(kl) + 1), np.sort(kl)[::-1], color=PALETTE[0])
    style_axes(ax, "KL of each dimension, sorted", xlabel="dimensions", ylabel="nats")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_histograms(ax, terms):
    bins = np.histogram_bin_edges(np.concatenate([*terms.values()]), 60)
    for (name, each), colour in zip(terms.items(), (PALETTE[0], GREY), strict=True):
        ax.hist(each, bins, histtype="stepfilled", alpha=0.5, color=colour, label=name)
        ax.axvline(each.mean(), color=colour, linewidth=1)
    ax.legend(frameon=False, fontsize=8)
    style_axes(ax, "log p(x) and its bound", xlabel="nats", ylabel="examples")


def _draw_confusion(ax, groups):
    """The shares of each label's examples by class, matched classes on the diagonal."""
    labels, classes, label_names = groups
    counts = contingency_matrix(labels, classes)
    label, matched = linear_sum_assignment(counts, maximize=True)
    others = np.setdiff1d(np.arange(counts.shape[1]), matched)
    order = np.concatenate([matched[np.argsort(label)], others])
    share = counts[:, order] / counts.sum(axis=1, keepdims=True)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    names = [label_names[code] for code in np.unique(labels)]
    ax.set_yticks(range(len(names)), names)
    ax.set_xticks(range(len(order)), np.unique(classes)[order])
    style_axes(ax, "Classes of each label, %", xlabel="class", ylabel="label")
    for row, column in np.argwhere(share > 0.1):
        colour = "white" if share[row, column] > 0.6 else DARK
        text, at = f"{100 * share[row, column]:.0f}", {"ha": "center", "va": "center"}
        ax.text(column, row, text, color=colour, fontsize=7, **at)


def _draw_columns(ax, columns):
    """Bars of R^2 or of the share of right categories, each with its error."""
    names = sorted(columns, key=lambda name: -np.nan_to_num(columns[name][0], nan=-9))
    subset = ""
    if len(names) > 2 * N_EXTREMES:
        subset = f", the best and the worst {N_EXTREMES} of {len(names)} columns"
        names = names[:N_EXTREMES] + names[-N_EXTREMES:]
    scores, errors = zip(*(columns[name] for name in names), strict=True)
    ax.barh(range(len(names)), np.fmax(scores, 0), color=PALETTE[5])
    title = f"R² of reconstructions, or share of right ones{subset}"
    style_axes(ax, title, xlim=(0, 1), ylim=(len(names) - 0.4, -0.6))
    ax.set_yticks(range(len(names)), [short_name(name) for name in names])
    ax.tick_params(axis="y", length=0, labelsize=7 if len(names) > 10 else 8)
    texts = [
        f"{score:.2f}   {e}".replace("nan", "–")
        for score, e in zip(scores, errors, strict=True)
    ]
    for y, text in enumerate(texts):
        ax.text(0.01, y, text, va="center", fontsize=7, color=DARK)


def _draw_extremes(ax, images):
    """The most and the least probable examples, each over its reconstruction."""
    rows = np.concatenate(list(zip(*images, strict=True)))
    names = ["most probable", "reconstructed", "least probable", "reconstructed"]
    draw_named_grid(ax, rows, names, limits=grey_limits(*images))
    ax.set_title("log p(x): the highest and the lowest", fontsize=10, color=DARK)

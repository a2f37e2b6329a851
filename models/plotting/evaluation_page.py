"""The scores of a run on one page."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

from models.plotting.images import (
    DARK,
    GREY,
    PALETTE,
    Plot,
    draw_picture,
    grey_limits,
    styled,
    tile,
)

SHOWN = 10  # of the most and the least probable data
MOST = 30  # labels or classes in a table


def page(evaluation, text):
    """A figure: the table, the KL of each dimension, log p(x), classes, extreme data.

    evaluation: an `Evaluation`. text: its table, as on the screen.
    """
    dataset = evaluation.dataset
    with_table = evaluation.classes is not None and dataset.labels is not None
    with_table &= len(np.unique(dataset.labels)) <= MOST
    figure = Plot(11, 8 if with_table or dataset.is_image else 4.4)
    rows = figure.subfigures(
        2 if with_table or dataset.is_image else 1, 1, squeeze=False
    )
    words, *panels = rows[0, 0].subplots(1, 3, width_ratios=[1.25, 1, 1])
    words.text(0, 1, text, family="monospace", fontsize=7, color=DARK, va="top")
    words.axis("off")
    draw_kl(panels[0], np.array(evaluation.scores["kl_per_dimension"]))
    draw_log_px(panels[1], evaluation.likelihood)
    if len(rows) == 1:
        return figure
    below = rows[1, 0].subplots(1, 2, squeeze=False, width_ratios=[1, 1.6])[0]
    if with_table:
        draw_classes(below[0], dataset, evaluation.classes)
    if dataset.is_image:
        draw_extremes(below[1], evaluation)
    for ax, is_used in zip(below, (with_table, dataset.is_image), strict=True):
        ax.set_visible(bool(is_used))
    return figure


def draw_kl(ax, kl):
    """Bars, the largest first: dimensions that say nothing are at the end."""
    ax.bar(np.arange(1, len(kl) + 1), np.sort(kl)[::-1], color=PALETTE[0])
    styled(ax, "KL of each dimension, sorted", xlabel="dimensions", ylabel="nats")


def draw_log_px(ax, terms):
    """The distributions of log p(x) and of its bound over the data."""
    values = {"log p(x)": terms.log_px, "ELBO": terms.elbo}
    bins = np.histogram_bin_edges(np.concatenate([*values.values()]), 60)
    for (name, each), colour in zip(values.items(), (PALETTE[0], GREY), strict=True):
        ax.hist(each, bins, histtype="stepfilled", alpha=0.5, color=colour, label=name)
        ax.axvline(each.mean(), color=colour, linewidth=1)
    ax.legend(frameon=False, fontsize=8)
    styled(ax, "Each datum", xlabel="nats", ylabel="data")


def draw_classes(ax, dataset, classes):
    """How the data of each label are shared out, matched classes on the diagonal."""
    counts = contingency_matrix(dataset.labels, classes)
    label, matched = linear_sum_assignment(counts, maximize=True)
    others = np.setdiff1d(np.arange(counts.shape[1]), matched)
    order = np.concatenate([matched[np.argsort(label)], others])
    share = counts[:, order] / counts.sum(axis=1, keepdims=True)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    names = [dataset.label_names[code] for code in np.unique(dataset.labels)]
    ax.set_yticks(range(len(names)), names)
    ax.set_xticks(range(len(order)), np.unique(classes)[order])
    styled(ax, "Labels, and the classes they are in", xlabel="class", ylabel="label")
    for row, column in np.argwhere(share > 0.1):
        dark = share[row, column] > 0.6
        text = f"{100 * share[row, column]:.0f}"
        at = {"ha": "center", "va": "center", "fontsize": 7}
        ax.text(column, row, text, color="white" if dark else DARK, **at)


def draw_extremes(ax, evaluation):
    """The data the model finds most and least probable, over their reconstructions."""
    order = np.argsort(-evaluation.likelihood.log_px)
    n = min(SHOWN, len(order))
    rows = np.concatenate([order[:n], order[-n:]])
    x = evaluation.dataset.x[rows]
    label = None if evaluation.label is None else evaluation.label[rows]
    x_mean = evaluation.run.model.decode(evaluation.z_mean[rows], label)
    pairs = np.stack(
        [x.reshape(2, n, *x.shape[1:]), x_mean.reshape(2, n, *x.shape[1:])], 1
    )
    picture = tile(pairs.reshape(4, n, *x.shape[1:]))
    draw_picture(ax, picture, grey_limits(x, x_mean))
    height = len(picture) / 4
    words = ["most probable", "reconstructed", "least probable", "reconstructed"]
    ax.set_yticks([(i + 0.5) * height for i in range(4)], words)
    ax.tick_params(length=0, labelsize=8, labelcolor=DARK)
    ax.set_title("log p(x): the highest and the lowest", fontsize=10, color=DARK)

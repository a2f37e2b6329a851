"""Curves over training: the terms of the objective by epoch, scores by round."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.plotting import style
from models.plotting.style import LIGHT, InlineFigure, check_argument

BLUE, RED, GREEN, VIOLET = (style.PALETTE[i] for i in (0, 3, 2, 9))
TERMS = {"loss": "Loss", "log_likelihood": "Log-likelihood", "kl": "KL divergence"}
PARAMETERS = {"kl_weight", "capacity", "learning_rate"}  # scheduled ones: no terms
SCORES = {"accuracy": BLUE, "ari": RED, "nmi": GREEN, "agreement": VIOLET}


def plot_training_curves(history: dict[str, list[float]], rounds=None) -> Figure:
    """Draws loss, log-likelihood, KL divergence and further reports by epoch.

    Args:
        history: key -> one number per epoch, in nats per example. Drawn are loss,
            log_likelihood, kl and what else the objective reports, e.g.
            total_correlation; the same with the prefix val_, dashed; and kl_weight if
            it varies.
        rounds: the round of each epoch; thin lines mark where a round begins.

    Raises:
        ValueError: if loss, log_likelihood and kl are all missing, or lengths differ.
    """
    known = {key: np.asarray(values, float) for key, values in history.items()}
    names = {key.removeprefix("val_") for key in known} - PARAMETERS
    shown = [key for key in dict.fromkeys([*TERMS, *sorted(names)]) if key in names]
    terms = ", ".join(TERMS)
    check_argument(names & {*TERMS}, "history", f"any of {terms}", list(history))
    n = max(map(np.size, known.values()))
    rounds = [0] * n if rounds is None else rounds
    named = {f"history[{key!r}]": values for key, values in known.items()}
    for name, values in (named | {"rounds": rounds}).items():
        check_argument(np.shape(values) == (n,), name, f"{n} epochs", np.shape(values))
    figure = InlineFigure(3.5 * len(shown) + 0.4, 3.0)
    axes = figure.subplots(1, len(shown), squeeze=False).flat
    for ax, key in zip(axes, shown, strict=True):
        _draw_term(ax, key, known)
        for epoch in np.flatnonzero(np.diff(rounds)) + 1.5:
            ax.axvline(epoch, color=LIGHT, linewidth=0.6, zorder=0, label="new round")
        if key == "kl" and np.ptp(known.get("kl_weight", 0)) > 0:
            _draw_kl_weight(ax.twinx(), known["kl_weight"])
    style.add_shared_legend(figure)
    return figure


def _draw_term(ax, key, history):
    """Draws one term, training and validation, with limits that show its end well."""
    drawn = {name: history[name] for name in (key, f"val_{key}") if name in history}
    for name, values in drawn.items():
        label, dash = ("training", "-") if name == key else ("validation", "--")
        dash += "." if len(values) == 1 else ""  # a single epoch has no line
        ax.plot(np.arange(len(values)) + 1, values, dash, color=BLUE, label=label)
    title = TERMS.get(key, key.replace("_", " ").capitalize())
    style.style_axes(ax, title, xlabel="epoch", ylabel="nats per example")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    # The first steep epochs, and rare spikes, would flatten the rest.
    values = np.stack(list(drawn.values()))
    values[~np.isfinite(values)] = np.nan
    steep = -(-values.shape[1] // 20) if values.shape[1] > 4 else 0
    if np.isfinite(values[:, steep:]).any():
        low, high = np.nanpercentile(values[:, steep:], [1, 99])
        beyond = (high - low) / 4 or 0.5
        low = max(low - beyond, np.nanmin(values)) - beyond / 4
        ax.set_ylim(low, min(high + beyond, np.nanmax(values)) + beyond / 4)


def _draw_kl_weight(ax, weights):
    """Draws the weight of the KL divergence on its own axis, at the right."""
    ax.plot(np.arange(len(weights)) + 1, weights, color=RED, lw=0.8, label="KL weight")
    style.style_axes(ax, ylabel="KL weight", ylim=(0, 1.05 * weights.max()))
    ax.spines["right"].set(visible=True, color=LIGHT)


def plot_round_scores(rows: list[dict[str, float | None]]) -> Figure:
    """Draws the scores of every round, each named at the right end of its line.

    Args:
        rows: one dict per round, with round and any of accuracy, ari, nmi and
            agreement; None and NaN are left out.

    Raises:
        ValueError: if no row has any of these scores.
    """
    numbers = [row.get("round", count) for count, row in enumerate(rows, 1)]
    scores = {key: np.array([row.get(key) for row in rows], float) for key in SCORES}
    scores = {key: each for key, each in scores.items() if np.isfinite(each).any()}
    check_argument(scores, "rows", f"dicts with any of {', '.join(SCORES)}", rows)
    low = np.floor(10 * min(map(np.nanmin, scores.values())) - 0.5) / 10
    low = low if low > 0.3 or low < 0 else 0
    ax = style.style_axes(InlineFigure(5.6, 3.4).subplots(), "Scores after each round")
    ax.set(xlabel="round", ylabel="score", ylim=(low, 1.02))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ends = {key: each[np.isfinite(each)][-1] for key, each in scores.items()}
    height = low
    for key in sorted(ends, key=ends.get):
        ax.plot(numbers, scores[key], "o-", color=SCORES[key], markersize=4)
        height = max(ends[key], height + 0.06 * (1 - low))  # labels must not overlap
        text = f"   {key.upper() if len(key) == 3 else key} {ends[key]:.2f}"
        ax.text(numbers[-1], height, text, color=SCORES[key], fontsize=9, va="center")
    return ax.figure

"""Pictures of an experiment's numbers: latent spaces, learning curves, rounds.

Every function takes arrays or lists and returns a `matplotlib` figure; none opens a
window, writes a file or touches `pyplot`. `pictures` draws the data themselves.
"""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA
from sklearn.metrics.cluster import contingency_matrix

from models.plotting import images
from models.plotting.images import GREY, LIGHT, PALETTE, Plot, require, styled

MAX_POINTS = 5000  # in a panel
BLUE, RED, GREEN, VIOLET = (PALETTE[i] for i in (0, 3, 2, 9))
CURVES = {"loss": "Loss", "log_likelihood": "Log-likelihood", "kl": "KL divergence"}
SCORES = {"accuracy": BLUE, "ari": RED, "nmi": GREEN, "agreement": VIOLET}


def latent_pca(latents, colourings, *, label_names=None, seed=0):
    """Scatters latent spaces in the plane of their two common principal axes.

    One PCA is fitted to all latents together, so that positions compare between panels.
    Two latent dimensions are drawn as they are, as in the picture of their manifold.
    Where both a "label" and a "class" colouring exist, a class takes the colour of the
    label that the best one-to-one matching in its panel gives it.

    Args:
      latents: title -> array (n, latent_dim); one row of panels each.
      colourings: name -> array (n,) for all latents, or title -> such an array, or None
        for grey dots; one column of panels each. Up to 20 different values are
        categories with a legend, more are a range with a colour bar.
      label_names: what the legend calls the labels, indexed by label.
      seed: chooses which points are drawn, at most 5000 a panel, and in what order.
    """
    points, axis_names = _principal_points(latents, seed)
    columns = {
        name: {title: _values(name, colouring, title, z) for title, z in points.items()}
        for name, colouring in (colourings or {"": None}).items()
    }
    scales = {name: _scale(values) for name, values in columns.items()}
    _match_classes(columns, scales)
    names = {"label": dict(enumerate(() if label_names is None else label_names))}
    figure, axes = _pca_panels(points, axis_names, len(columns))
    for panels, (name, values) in zip(axes.T, columns.items(), strict=True):
        for ax, (title, z) in zip(panels, points.items(), strict=True):
            _scatter(ax, z, values[title], scales[name], title, seed)
        _key(panels[0], name, scales[name], names.get(name, {}))
    return figure


def _principal_points(latents, seed):
    """Title -> points (n, 2) on common principal axes, and the names of these.

    A single latent dimension is spread over a strip of random heights.
    """
    latents = {title: np.asarray(z, float) for title, z in latents.items()}
    require(latents, "latents", "at least one array", latents)
    dims = next(iter(latents.values())).shape[1:]
    for title, z in latents.items():
        name, fits = f"latents[{title!r}]", z.ndim == 2 and z.shape[1:] == dims
        require(fits and z.size, name, "shape (n, a common latent_dim)", z.shape)
        require(np.isfinite(z).all(), name, "finite numbers", "NaN or infinity")
    if dims == (2,):
        return latents, ["$z_1$", "$z_2$"]
    stacked = np.concatenate(list(latents.values()))
    pca = PCA(min(2, *stacked.shape), random_state=seed)
    points = pca.fit_transform(stacked)
    if points.shape[1] == 1:
        heights = np.random.default_rng(seed).uniform(-0.3, 0.3, points.shape)
        points = np.hstack([points, np.ptp(points) * heights])
    parts = np.split(points, np.cumsum([len(z) for z in latents.values()])[:-1])
    shares = enumerate(pca.explained_variance_ratio_, 1)
    names = [f"PC {k} ({100 * share:.0f} %)" for k, share in shares]
    return dict(zip(latents, parts, strict=True)), names


def _values(name, colouring, title, points):
    """What colours one panel: an array (n,), or None."""
    argument, shape = f"colourings[{name!r}]", (len(points),)
    if isinstance(colouring, dict):
        require(title in colouring, argument, f"the key {title!r}", list(colouring))
        colouring = colouring[title]
    fits = colouring is None or np.shape(colouring) == shape
    require(fits, argument, f"shape {shape} for {title!r}", np.shape(colouring))
    return colouring if colouring is None else np.asarray(colouring)


def _scale(columns):
    """Title -> value -> colour; or, for more values than colours, a colour map."""
    known = {title: values for title, values in columns.items() if values is not None}
    distinct = np.unique(np.concatenate([*known.values()])) if known else np.array([])
    if len(distinct) > len(PALETTE):
        return ScalarMappable(Normalize(distinct[0], distinct[-1]), "viridis")
    return dict.fromkeys(known, dict(zip(distinct.tolist(), PALETTE, strict=False)))


def _match_classes(columns, scales):
    """Gives classes, in every panel, the colours of the labels that they match."""
    labels, classes = scales.get("label"), scales.get("class")
    if isinstance(labels, dict) and isinstance(classes, dict):
        for title in labels.keys() & classes.keys():
            pair = columns["class"][title], columns["label"][title]
            classes[title] = _matched(*pair, labels[title])


def _matched(classes, labels, colours):
    """Class -> the colour of its label; classes without one get further colours."""
    table = contingency_matrix(classes, labels)
    class_ids, label_ids = np.unique(classes).tolist(), np.unique(labels).tolist()
    pairs = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    matched = {class_ids[i]: colours[label_ids[j]] for i, j in pairs if table[i, j]}
    palette = PALETTE[len(colours) :] + PALETTE
    further = [colour for colour in palette if colour not in matched.values()]
    unmatched = [k for k in class_ids if k not in matched]
    return matched | dict(zip(unmatched, further, strict=False))


def _pca_panels(points, names, columns):
    """Panels with the same limits, which leave out no more than 0.4 % of the points."""
    low, high = np.quantile(np.concatenate(list(points.values())), [0.001, 0.999], 0)
    rows, half = len(points), (high - low) / 2
    half = 1.06 * np.maximum(half, 0.6 * half.max() or 1.0)
    limits = np.transpose([(low + high) / 2 - half, (low + high) / 2 + half])
    figure = Plot(3.5 * columns + 0.4, (3.3 * half[1] / half[0] + 0.4) * rows + 1.3)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    labels = dict(zip(("xlabel", "ylabel"), names, strict=False))
    for ax, title in zip(axes.flat, np.repeat(list(points), columns), strict=True):
        styled(ax, title, xlim=limits[0], ylim=limits[1], aspect="equal", **labels)
        ax.locator_params(nbins=5)
        ax.label_outer()
    if len(names) == 1:
        ax.set(yticks=[])
    return figure, axes


def _scatter(ax, points, values, scale, title, seed):
    """Draws a random subset in random order, so that no class hides another."""
    shown = np.random.default_rng(seed).permutation(len(points))[:MAX_POINTS]
    size = np.clip(300 / np.sqrt(len(shown)), 4, 24)
    if values is None:
        colours = GREY
    elif isinstance(scale, ScalarMappable):
        colours = scale.to_rgba(values[shown])
    else:
        colours = [scale[title][value] for value in values[shown].tolist()]
    ax.scatter(*points[shown].T, c=colours, s=size, alpha=0.7, linewidths=0)


def _key(ax, name, scale, names):
    """Puts the legend or the colour bar of a column above `ax`, its first panel.

    Where a colour stands for a different class in every panel, all are named: "3 / 7".
    """
    if isinstance(scale, ScalarMappable):
        bar = ax.inset_axes([0.15, 1.14, 0.7, 0.03])
        ax.figure.colorbar(scale, bar, location="top", label=name)
        bar.tick_params(labelsize=8, length=2)
        return
    panels = [{c: names.get(k, str(k)) for k, c in m.items()} for m in scale.values()]
    if all(panel == panels[0] for panel in panels):
        panels = panels[:1]
    else:
        name = f"{name} ({' / '.join(map(str, scale))})"
    texts = {c: [panel.get(c, "–") for panel in panels] for c in PALETTE}
    texts = {c: " / ".join(ids) for c, ids in texts.items() if {*ids} - {"–"}}
    images.legend_above(ax, name, texts)


def curves(history, rounds=None):
    """Draws learning curves: loss, log-likelihood and KL divergence by epoch.

    Args:
      history: key -> one number an epoch. Drawn are loss, log_likelihood and kl; the
        same with val_ before them, dashed; and kl_weight, if it varies.
      rounds: the round of every epoch; thin lines mark where a new one begins.
    """
    keys = [prefix + key for key in (*CURVES, "kl_weight") for prefix in ("", "val_")]
    known = {key: np.asarray(history[key], float) for key in keys if key in history}
    shown = [key for key in CURVES if {key, f"val_{key}"} & known.keys()]
    require(shown, "history", f"any of {', '.join(CURVES)}", list(history))
    n = max(map(np.size, known.values()))
    for key, values in known.items():
        require(values.shape == (n,), f"history[{key!r}]", f"{n} epochs", values.shape)
    rounds = [0] * n if rounds is None else rounds
    require(len(rounds) == n, "rounds", f"one for each of {n} epochs", len(rounds))
    figure = Plot(3.5 * len(shown) + 0.4, 3.0)
    axes = figure.subplots(1, len(shown), squeeze=False).flat
    for ax, key in zip(axes, shown, strict=True):
        _draw_curve(ax, key, known)
        for epoch in np.flatnonzero(np.diff(rounds)) + 1.5:
            ax.axvline(epoch, color=LIGHT, linewidth=0.6, zorder=0, label="new round")
        if key == "kl" and np.ptp(known.get("kl_weight", 0)) > 0:
            _draw_weight(ax.twinx(), known["kl_weight"])
    images.shared_legend(figure)
    return figure


def _draw_curve(ax, key, history):
    """Draws one quantity, training and validation, in limits that show its end well."""
    styles = {key: ("training", "-"), f"val_{key}": ("validation", "--")}
    drawn = {name: history[name] for name in styles if name in history}
    for name, values in drawn.items():
        label, dash = styles[name]
        dash += "." if len(values) == 1 else ""  # a single epoch has no line
        ax.plot(np.arange(len(values)) + 1, values, dash, color=BLUE, label=label)
    styled(ax, CURVES[key], xlabel="epoch", ylabel="nats per datum")
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


def _draw_weight(ax, weights):
    """Draws the weight of the KL divergence on an axis of its own, at the right."""
    ax.plot(np.arange(len(weights)) + 1, weights, color=RED, lw=0.8, label="KL weight")
    styled(ax, ylabel="KL weight", ylim=(0, 1.05 * weights.max()))
    ax.spines["right"].set(visible=True, color=LIGHT)


def rounds(table):
    """Draws the scores of every round, each named at the right end of its line.

    Args:
      table: one dict a round, with round and any of accuracy, ari, nmi and agreement;
        None and NaN are left out.
    """
    numbers = [row.get("round", count) for count, row in enumerate(table, 1)]
    scores = {key: np.array([row.get(key) for row in table], float) for key in SCORES}
    scores = {key: each for key, each in scores.items() if np.isfinite(each).any()}
    require(scores, "table", f"rows with any of {', '.join(SCORES)}", table)
    low = np.floor(10 * min(map(np.nanmin, scores.values())) - 0.5) / 10
    low = low if low > 0.3 or low < 0 else 0
    ax = styled(Plot(5.6, 3.4).subplots(), "Scores after each round")
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

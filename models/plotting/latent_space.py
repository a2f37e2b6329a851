"""Scatter plots of latent spaces in the plane of two principal axes."""

import re

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix

from models.plotting import style
from models.plotting.plane import fit_plane
from models.plotting.style import GREY, PALETTE, InlineFigure, check_argument

MAX_POINTS = 5000  # in a panel


def plot_latent_pca(
    latents: dict[str, np.ndarray],
    colourings: dict[str, np.ndarray | dict | None],
    *,
    label_names=None,
    seed: int = 0,
) -> Figure:
    """Scatters latent spaces in the plane of their two common principal axes.

    One PCA is fitted to all latents together, so that positions compare between panels.
    Two latent dimensions are drawn unchanged, as by `plot_manifold`. If there are both
    a "label" and a "class" colouring, each class has the colour of its label in the
    best one-to-one matching of the panel.

    Args:
        latents: title -> array (n, latent_dim); one row of panels each.
        colourings: name -> array (n,) for all latents, or title -> such an array, or
            None for grey dots; one column of panels each. Up to 20 distinct values are
            categories with a legend, more are a range with a colour bar.
        label_names: the names of the labels in the legend, indexed by label.
        seed: selects which points are drawn, at most 5000 per panel, and their order.

    Raises:
        ValueError: if a shape does not fit, or a latent is not finite.
    """
    latents = _checked_latents(latents)
    plane = fit_plane(list(latents.values()), seed)
    height = 0.6 * max(map(np.ptp, latents.values()))  # of a strip
    points = {title: plane.scatter(z, seed, height) for title, z in latents.items()}
    columns = {
        name: _panel_values(f"colourings[{name!r}]", colouring, points)
        for name, colouring in (colourings or {"": None}).items()
    }
    colours = {name: _panel_colours(values) for name, values in columns.items()}
    _match_panel_classes(columns, colours)
    names = {"label": dict(enumerate(() if label_names is None else label_names))}
    axis_names = [
        re.sub(r"^z(\d)$", lambda m: style.latent_name(m[1]), name)
        for name in plane.names
    ]
    figure, axes = _pca_panels(points, axis_names, len(columns))
    for panels, (name, values) in zip(axes.T, columns.items(), strict=True):
        for ax, (title, z) in zip(panels, points.items(), strict=True):
            _scatter_subset(ax, z, values.get(title), colours[name].get(title), seed)
        _add_colour_key(panels[0], name, colours[name], names.get(name, {}))
    return figure


def value_colours(values) -> dict[int | float, str]:
    """Distinct value -> colour, in order; a range of colours if there are many."""
    distinct = np.unique(values)
    if len(distinct) <= len(PALETTE):
        return dict(zip(distinct.tolist(), PALETTE, strict=False))
    colours = map(to_hex, _colour_range(distinct).to_rgba(distinct))
    return dict(zip(distinct.tolist(), colours, strict=True))


def match_colours(classes, labels, colours: dict[int, str]) -> dict[int, str]:
    """Class -> the colour of its matched label; unmatched classes get further colours.

    `classes` and `labels` are (n,) integers, `colours` is label -> colour.
    """
    table = contingency_matrix(classes, labels)
    class_ids, label_ids = np.unique(classes).tolist(), np.unique(labels).tolist()
    pairs = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    matched = {class_ids[i]: colours[label_ids[j]] for i, j in pairs if table[i, j]}
    palette = PALETTE[len(colours) :] + PALETTE
    further = iter([colour for colour in palette if colour not in matched.values()])
    return {k: matched.get(k) or next(further) for k in class_ids}


def _colour_range(values):
    return ScalarMappable(Normalize(min(values), max(values)), "viridis")


def _checked_latents(latents):
    latents = {title: np.asarray(z, float) for title, z in latents.items()}
    check_argument(latents, "latents", "at least one array", latents)
    dims = next(iter(latents.values())).shape[1:]
    for title, z in latents.items():
        name = f"latents[{title!r}]"
        fits = z.size and z.ndim == 2 and z.shape[1:] == dims
        check_argument(fits, name, "shape (n, a common latent_dim)", z.shape)
        check_argument(np.isfinite(z).all(), name, "finite numbers", "NaN or infinity")
    return latents


def _panel_values(argument, colouring, points):
    """Title -> the values that colour this panel, (n,); no title for grey dots."""
    if not isinstance(colouring, dict):
        colouring = dict.fromkeys(points, colouring)
    values = {}
    for title, z in points.items():
        check_argument(title in colouring, argument, f"the key {title!r}", [*colouring])
        if colouring[title] is not None:
            values[title] = each = np.asarray(colouring[title])
            expected = f"shape {z.shape[:1]} for {title!r}"
            check_argument(each.shape == z.shape[:1], argument, expected, each.shape)
    return values


def _panel_colours(values):
    """Title -> value -> colour, the same in all panels that have values."""
    stacked = np.concatenate([*values.values()]) if values else []
    return dict.fromkeys(values, value_colours(stacked))


def _match_panel_classes(columns, colours):
    """Gives the classes in every panel the colours of the labels they match."""
    labels, classes = colours.get("label", {}), colours.get("class", {})
    for title in labels.keys() & classes.keys():
        if max(len(labels[title]), len(classes[title])) <= len(PALETTE):
            pair = columns["class"][title], columns["label"][title]
            classes[title] = match_colours(*pair, labels[title])


def _pca_panels(points, names, columns):
    """Panels with the same limits, which exclude at most 0.4 % of the points."""
    low, high = np.quantile(np.concatenate(list(points.values())), [0.001, 0.999], 0)
    rows, half = len(points), (high - low) / 2
    half = 1.06 * np.maximum(half, 0.6 * half.max() or 1.0)
    limits = np.transpose([(low + high) / 2 - half, (low + high) / 2 + half])
    height = (3.3 * half[1] / half[0] + 0.4) * rows + 1.3
    figure = InlineFigure(3.5 * columns + 0.4, height)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    labels = dict(zip(("xlabel", "ylabel"), names, strict=False))
    for ax, title in zip(axes.flat, np.repeat(list(points), columns), strict=True):
        style.style_axes(
            ax, title, xlim=limits[0], ylim=limits[1], aspect="equal", **labels
        )
        ax.locator_params(nbins=5)
        ax.label_outer()
    if len(names) == 1:
        ax.set(yticks=[])
    return figure, axes


def _scatter_subset(ax, points, values, colours, seed):
    """Draws a random subset in random order, so that no class hides another."""
    shown = np.random.default_rng(seed).permutation(len(points))[:MAX_POINTS]
    size = np.clip(300 / np.sqrt(len(shown)), 4, 24)
    colour = GREY if values is None else [colours[v] for v in values[shown].tolist()]
    ax.scatter(*points[shown].T, c=colour, s=size, alpha=0.7, linewidths=0)


def _add_colour_key(ax, name, colours, names):
    """Adds the legend or colour bar of a column above `ax`, its first panel.

    If a colour is a different class in each panel, all are named: "3 / 7".
    """
    first = next(iter(colours.values()), {})
    if len(first) > len(PALETTE):
        bar = ax.inset_axes([0.15, 1.14, 0.7, 0.03])
        ax.figure.colorbar(_colour_range(first), bar, location="top", label=name)
        bar.tick_params(labelsize=8, length=2)
        return
    panels = [{c: names.get(k, str(k)) for k, c in m.items()} for m in colours.values()]
    if all(panel == panels[0] for panel in panels):
        panels = panels[:1]
    else:
        name = f"{name} ({' / '.join(map(str, colours))})"
    texts = {c: [panel.get(c, "–") for panel in panels] for c in PALETTE}
    texts = {c: " / ".join(ids) for c, ids in texts.items() if {*ids} - {"–"}}
    style.add_dot_legend(ax, name, texts)

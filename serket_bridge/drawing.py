"""The graph of modules as a picture, with the messages on its edges."""

import numpy as np

from serket_bridge.messages import shape_of

COLUMN, ROW = 3.6, 1.5  # inches between the centres of modules
FORWARD, BACKWARD = "#0072b2", "#d55e00"
BOX = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "#333333"}
BACKGROUND = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none"}


def draw_graph(modules: list):
    """Draws modules as boxes, each above the modules that it is connected to.

    Each edge has the kind and the shape of the forward message, after the name of the
    input, and below them those of the backward message, if one was sent.

    Args:
        modules: with all modules that they are connected to.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    places = place_modules(modules)
    x, y = np.transpose([*places.values()])
    size = COLUMN * (np.ptp(x) + 1), ROW * (np.ptp(y) + 1)
    figure = Figure(figsize=size, layout="constrained")
    ax = figure.add_subplot()
    ax.set_axis_off()
    limits = {"xlim": (min(x) - 0.5, max(x) + 0.5), "ylim": (-0.5, max(y) + 0.5)}
    ax.set(**limits)
    for module, place in places.items():
        text = f"{module.name}\n{type(module).__name__}"
        style = {"ha": "center", "va": "center", "bbox": BOX, "zorder": 3}
        ax.text(*place, text, parse_math=False, **style)
        for name, parent in module.connections.items():
            _draw_edge(ax, places[parent], place, *edge_texts(module, name, parent))
    return figure


def place_modules(modules: list) -> dict:
    """module -> (column, row): row 0 is the lowest; a module is above its parents."""
    rows, columns, n_data = {}, {}, 0
    for module in modules:
        rows[module] = 1 + max((rows[parent] for parent in module.parents), default=-1)
        centre = np.mean([columns[parent] for parent in module.parents] or [n_data])
        n_data += not module.parents
        columns[module] = float(centre)
    for module in modules:  # data stand directly below what reads them
        above = [rows[child] for child in module.children if child in rows]
        if above and not module.parents:
            rows[module] = min(above) - 1
    for number in range(max(rows.values()) + 1):
        row = sorted((m for m in modules if rows[m] == number), key=columns.get)
        for left, right in zip(row, row[1:], strict=False):  # side by side
            columns[right] = max(columns[right], columns[left] + 1)
    return {module: (columns[module], rows[module]) for module in modules}


def edge_texts(module, name: str, parent) -> tuple[str, str]:
    """What is written beside an edge: (forward, backward), "" for no message."""
    forward = parent.output_message.__name__
    if parent.forward is not None:
        forward = kind_and_shape(parent.forward)
    sent = parent._backward.get(module)
    named = forward if module.ports is None else f"{name}: {forward}"
    return named, "" if sent is None else kind_and_shape(sent)


def kind_and_shape(message) -> str:
    """Such as "Gaussian (100, 2)"."""
    return f"{type(message).__name__} {shape_of(message)}"


def _draw_edge(ax, lower, upper, forward, backward):
    lower, upper = np.array([lower, upper])
    # near the lower module, where the edges to one upper module are far apart
    place = lower + 0.4 * (upper - lower)
    for text, (start, end), shift, color, points in (
        (forward, (lower, upper), -0.03, FORWARD, 8),
        (backward, (upper, lower), 0.03, BACKWARD, -8),
    ):
        if text:
            line = {"arrowstyle": "-|>", "color": color, "shrinkA": 24, "shrinkB": 24}
            ax.annotate("", end + (shift, 0), start + (shift, 0), arrowprops=line)
            style = {"color": color, "ha": "center", "va": "center", "fontsize": 8}
            style |= {"textcoords": "offset points", "bbox": BACKGROUND, "zorder": 4}
            ax.annotate(text, place, (0, points), parse_math=False, **style)

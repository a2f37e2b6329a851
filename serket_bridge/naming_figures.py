"""Pictures of a naming game: its rounds, and the latent spaces of the agents."""

import numpy as np

from serket_bridge.checks import require

TITLES = {"kappa": "Cohen's kappa of names", "acceptance": "Share of names accepted"}
MAX_POINTS = 5000  # of each agent


def draw_rounds(rows: list[dict], name: str = "game"):
    """Draws kappa and acceptance by round, one line for each two agents.

    Args:
        rows: of a `MessageLoop` with a game, or some of them.
        name: of the game.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: the rows have no game of this name.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    has_game = any(f"{name}.kappa" in row for row in rows)
    require(has_game, f"rows must be those of a loop with a NamingGame {name!r}")
    figure = Figure(figsize=(7.5, 3), layout="constrained")
    for ax, (metric, title) in zip(figure.subplots(1, 2), TITLES.items(), strict=True):
        start = f"{name}.{metric} "
        keys = dict.fromkeys(k for row in rows for k in row if k.startswith(start))
        for key in keys:
            points = [(row["round"], row[key]) for row in rows if key in row]
            ax.plot(*np.transpose(points), ".-", label=key.removeprefix(start))
        ax.set(title=title, xlabel="round", ylim=(min(0, ax.get_ylim()[0]), 1.02))
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.spines[["top", "right"]].set_visible(False)
        if keys:  # there is none without communication
            ax.legend(frameon=False, fontsize=8)
    return figure


def draw_latents(latents: dict[str, np.ndarray], names: np.ndarray):
    """Draws each agent's latents in the plane of their two principal axes.

    Args:
        latents: name of the agent -> (n, D), with D >= 2.
        names: (n,) int, which have the same colours for all agents.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    figure = Figure(figsize=(4 * len(latents) + 0.8, 4), layout="constrained")
    every = slice(None, None, 1 + len(names) // MAX_POINTS)
    colours = {"cmap": "tab10" if names.max() < 10 else "tab20", "c": names[every]}
    axes = figure.subplots(1, len(latents), squeeze=False)[0]
    for ax, (agent, z) in zip(axes, latents.items(), strict=True):
        z = PCA(2, random_state=0).fit_transform(z)[every]
        dots = ax.scatter(*z.T, s=4, linewidths=0, **colours)
        ax.set(title=agent, xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    figure.legend(*dots.legend_elements(num=None), title="name", loc="outside right")
    return figure

"""python -m models.interpolate: paths between two examples through the latent space."""

import sys
from dataclasses import dataclass

from models import plotting
from models.cli import option_types as types
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "interpolation.npz": "z and x_mean of both paths, linear first; x of the ends",
    "interpolation.png": "both paths, between the two examples",
    "interpolation.gif": "the same as an animation, of images",
}
PATHS = ("linear", "spherical")
MAX_SHOWN = 18  # points of a path in the picture


@dataclass(kw_only=True)
class Options(run_commands.OnRun):
    """Decode the linear and the spherical path between the latents of two rows.

    Args:
        from_: the first row of the run's data, counted from 0.
        to: the last row.
        steps: points on each path, including its ends.
        label: the name or number of the label to decode (default: the label of the row
            --from).
    """

    from_: types.Row
    to: types.Row
    steps: types.TwoOrMore = 12
    label: types.Label | None = None


def run(given):
    """Runs the interpolation; raises ValueError or OSError for user errors."""
    opened = run_commands.open_run(given.run)
    import numpy as np

    from models.evaluation import latent_paths

    rows = [given.from_, given.to]
    for option, row in zip(("--from", "--to"), rows, strict=True):
        run_commands.check_row(opened, option, row)
    if given.from_ == given.to:
        raise ValueError(
            f"--from and --to must be two different rows. Received: {given.from_} twice"
        )
    label = run_commands.decoded_label(opened, given.label, rows[0])
    labels = opened.labels_for(opened.dataset)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS) as folder:
        vae = run_commands.load_model(opened)
        x = opened.dataset.x[rows]
        ends = vae.latents(x, None if labels is None else labels[rows])
        z = np.stack([getattr(latent_paths, p)(*ends, given.steps) for p in PATHS])
        x_mean = run_commands.decode_grid(vae, z, label)
        in_units = opened.dataset.preprocessing.inverse
        decoded = {"x_mean": in_units(x_mean), "x": in_units(x)}
        decoded["columns"] = opened.dataset.columns
        folder.write_arrays("interpolation.npz", z=z, **decoded)
        names = [f"row {row}" for row in rows]
        if not opened.dataset.is_image:
            figure = draw_table_paths(opened.dataset, x, x_mean, names)
            folder.write_figure("interpolation.png", figure)
            return
        figure, animation = draw_paths(x, x_mean, names)
        folder.write_figure("interpolation.png", figure)
        folder.write_figure("interpolation.gif", animation)


def draw_table_paths(dataset, x, x_mean, names):
    """One panel per column: both paths, and the two rows at their ends."""
    import numpy as np

    from models.cli import table_figures

    paths = dict(zip(PATHS, x_mean, strict=True))
    words = {"title": f"From {names[0]} to {names[1]} through the latent space"}
    words["xlabel"] = "share of the path"
    along = np.linspace(0, 1, x_mean.shape[1])
    return table_figures.draw_paths(dataset, along, paths, ends=x, **words)


def draw_paths(x, x_mean, names):
    """A figure, one row per path between the two examples, and their animation.

    `names` are those of the examples.
    """
    import numpy as np

    steps = x_mean.shape[1]
    shown, t = run_commands.spread(steps, MAX_SHOWN), np.linspace(0, 1, steps)
    first, last = (np.broadcast_to(each, x_mean.shape) for each in x)
    cells = np.concatenate([first[:, :1], x_mean[:, shown], last[:, :1]], axis=1)
    heads = [names[0], *(f"{each:.2f}" for each in t[shown]), names[1]]
    title = f"From {names[0]} to {names[1]} through the latent space"
    limits = plotting.grey_limits(cells)
    figure = plotting.plot_image_grid(cells, PATHS, heads, title, limits)
    frames = np.stack([first[0], *x_mean, last[0]])
    titles = [f"{100 * each:.0f} % of the path" for each in t]
    return figure, plotting.Animation(frames, [names[0], *PATHS, names[1]], titles)


main = Command("interpolate", Options, run)

if __name__ == "__main__":
    sys.exit(main())

"""python -m models.interpolate: paths between two examples through the latent space."""

import sys
from dataclasses import dataclass

from models import plotting
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "interpolation.npz": "z and x_mean of both paths, linear first; x of the ends",
    "interpolation.png": "both paths, between the two examples",
    "interpolation.gif": "the same as an animation",
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

    from_: run_commands.Row
    to: run_commands.Row
    steps: run_commands.TwoOrMore = 12
    label: run_commands.Label | None = None


def run(given):
    """Runs the interpolation; raises ValueError or OSError for user errors."""
    opened, vae = run_commands.open_run(given.run)
    import numpy as np

    from models.evaluation import latent_paths

    rows = checked_rows(opened, given)
    label = run_commands.decoded_label(opened, given.label, rows[0])
    labels = opened.labels_for(opened.dataset)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS) as folder:
        x = opened.dataset.x[rows]
        ends = vae.latents(x, None if labels is None else labels[rows])
        z = np.stack([getattr(latent_paths, p)(*ends, given.steps) for p in PATHS])
        x_mean = run_commands.decode_grid(vae, z, label)
        folder.write_arrays("interpolation.npz", z=z, x_mean=x_mean, x=x)
        folder.write_figure("interpolation.png", plot_paths(x, x_mean, rows))
        frames = plotting.Animation(plot_frames(x, x_mean, rows))
        folder.write_figure("interpolation.gif", frames)


def checked_rows(opened, given):
    """The two rows; ValueError unless they are different rows of the data."""
    run_commands.check_row(opened, "--from", given.from_)
    run_commands.check_row(opened, "--to", given.to)
    if given.from_ == given.to:
        raise ValueError(
            f"--from and --to must be two different rows. Received: {given.from_} twice"
        )
    return [given.from_, given.to]


def plot_paths(x, x_mean, rows):
    """One row per path, with the examples at both ends."""
    import numpy as np

    steps = x_mean.shape[1]
    shown = run_commands.spread(steps, MAX_SHOWN)
    first, last = (np.stack([example, example])[:, None] for example in x)
    cells = np.concatenate([first, x_mean[:, shown], last], axis=1)
    heads = [f"row {rows[0]}", *(f"{t:.2f}" for t in shown / (steps - 1))]
    heads += [f"row {rows[1]}"]
    title = f"From row {rows[0]} to row {rows[1]} through the latent space"
    limits = plotting.grey_limits(cells)
    return plotting.plot_image_grid(cells, PATHS, heads, title, limits)


def plot_frames(x, x_mean, rows):
    """One figure per step: both paths, between the two examples."""
    import numpy as np

    names = [f"row {rows[0]}", *PATHS, f"row {rows[1]}"]
    limits = plotting.grey_limits(np.concatenate([x, *x_mean]))
    for step, t in enumerate(np.linspace(0, 1, x_mean.shape[1])):
        cells = np.stack([x[0], *x_mean[:, step], x[1]])
        title = f"{100 * t:.0f} % of the path"
        yield plotting.plot_animation_frame(cells, names, title, limits)


main = Command("interpolate", Options, run)

if __name__ == "__main__":
    sys.exit(main())

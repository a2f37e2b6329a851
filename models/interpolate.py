"""python -m models.interpolate: from one datum to another through the latent space."""

import sys

from models.cli import run_commands
from models.cli.command import finish
from models.cli.option_types import not_negative

WHAT = {
    "interpolation.npz": "z, x_mean of both paths, the linear one first; x of the ends",
    "interpolation.png": "both paths, between the two data",
    "interpolation.gif": "the same as a film, there and back",
}
PATHS = ("linear", "spherical")
SHOWN = 18  # most points of a path in the picture


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    parser = run_commands.make_parser(
        "interpolate",
        "Decode the straight and the spherical path between the means of q(z|x) of two "
        "rows of the run's data.",
    )
    add = parser.add_argument
    row = {"type": not_negative, "required": True, "metavar": "ROW"}
    add("--from", dest="first", help="the row to begin at, from 0 on", **row)
    add("--to", dest="last", help="the row to end at", **row)
    add(
        "--steps",
        type=run_commands.two_or_more,
        default=12,
        metavar="N",
        help="points on each path, its ends included (default: 12)",
    )
    run_commands.add_label(parser, "the label of the row --from")
    return parser


def run(given):
    """Interpolates. ValueError or OSError: what a user can mend."""
    opened, model = run_commands.open_run(given.run)
    import numpy as np

    from models.evaluation import latent_paths
    from models.plotting.animation import Animation

    rows = rows_of(opened, given)
    own, label = labels_of(opened, rows, given.label)
    with run_commands.results(opened, given, WHAT) as folder:
        x = opened.dataset.x[rows]
        ends, _ = model.encode(x, own)
        z = np.stack([getattr(latent_paths, p)(*ends, given.steps) for p in PATHS])
        x_mean = run_commands.decode_grid(model, z, label)
        folder.arrays("interpolation.npz", z=z, x_mean=x_mean, x=x)
        folder.figure("interpolation.png", picture(x, x_mean, rows))
        folder.figure("interpolation.gif", Animation(frames(x, x_mean, rows)))


def rows_of(opened, given):
    """The two rows, checked."""
    run_commands.check_row(opened, "--from", given.first)
    run_commands.check_row(opened, "--to", given.last)
    if given.first == given.last:
        raise ValueError(
            f"--from and --to must be two different rows. Received: {given.first} twice"
        )
    return [given.first, given.last]


def labels_of(opened, rows, label):
    """The two rows' labels, and the one to decode with; `None` if unconditional."""
    from models.runs.run_labels import code_of, labels_for

    code = code_of(opened, label)
    labels = labels_for(opened, opened.dataset)
    if labels is None:
        return None, None
    return labels[rows], labels[rows[0]] if code is None else code


def picture(x, x_mean, rows):
    """Two rows, linear and spherical, with the data at both ends."""
    import numpy as np

    from models.plotting import image_grids, images

    steps = x_mean.shape[1]
    shown = run_commands.spread(steps, SHOWN)
    first, last = (np.stack([datum, datum])[:, None] for datum in x)
    cells = np.concatenate([first, x_mean[:, shown], last], axis=1)
    heads = [f"row {rows[0]}", *(f"{t:.2f}" for t in shown / (steps - 1))]
    heads += [f"row {rows[1]}"]
    title = f"From row {rows[0]} to row {rows[1]} through the latent space"
    return image_grids.strips(cells, PATHS, heads, title, images.grey_limits(cells))


def frames(x, x_mean, rows):
    """One picture a step: both paths there, between the two data."""
    import numpy as np

    from models.plotting import image_grids, images

    names = [f"row {rows[0]}", *PATHS, f"row {rows[1]}"]
    limits = images.grey_limits(np.concatenate([x, *x_mean]))
    for step, t in enumerate(np.linspace(0, 1, x_mean.shape[1])):
        cells = np.stack([x[0], *x_mean[:, step], x[1]])
        yield image_grids.frame(cells, names, f"{t:.2f} of the way", limits)


if __name__ == "__main__":
    sys.exit(main())

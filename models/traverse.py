"""python -m models.traverse: what each latent dimension of a finished run does."""

import sys

from models.cli import run_commands
from models.cli.command import finish
from models.cli.option_types import above_zero, not_negative, whole

WHAT = {
    "traversal.npz": "z, x_mean of a path a dimension; dims (z1 is 1), kl, values",
    "traversal.png": "a row a dimension, those with the most KL first",
    "traversal.gif": "the same as a film, there and back",
}
SHOWN = 20  # most rows, and columns, of the picture


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    parser = run_commands.make_parser(
        "traverse",
        "Decode paths along which one latent dimension changes and the others stay.",
    )
    add = parser.add_argument
    add(
        "--row",
        type=not_negative,
        metavar="ROW",
        help="start at the mean of q(z|x) of this row of the run's data, from 0 on "
        "(default: at the mean of the prior)",
    )
    add(
        "--range",
        type=above_zero,
        default=3.0,
        metavar="R",
        help="from -R to R standard deviations of the prior (default: 3)",
    )
    add(
        "--steps",
        type=run_commands.two_or_more,
        default=11,
        metavar="N",
        help="values of each dimension (default: 11)",
    )
    add(
        "--dims",
        type=whole,
        nargs="+",
        metavar="D",
        help="which dimensions, 1 for z1 (default: all, those with the most KL first)",
    )
    run_commands.add_label(parser, "the label of the row --row")
    return parser


def run(given):
    """Traverses. ValueError or OSError: what a user can mend."""
    opened, model = run_commands.open_run(given.run)
    import numpy as np

    from models.evaluation import latent_paths
    from models.plotting.animation import Animation

    check_dims(model, given.dims)
    label = label_of(opened, given)
    z_mean, kl = posterior(opened)
    with run_commands.results(opened, given, WHAT) as folder:
        axes = np.argsort(-kl) if given.dims is None else np.subtract(given.dims, 1)
        (mean,), (precision,) = model.prior(1, label)
        values = np.linspace(-given.range, given.range, given.steps)
        start = mean if given.row is None else z_mean[given.row]
        along = mean[axes, None] + values / np.sqrt(precision[axes, None])
        z = latent_paths.along_axes(start, axes, along)
        x_mean = run_commands.decode_grid(model, z, label)
        paths = {"dims": axes + 1, "kl": kl[axes], "values": values}
        folder.arrays("traversal.npz", z=z, x_mean=x_mean, **paths)
        title = title_of(given, len(axes))
        folder.figure("traversal.png", picture(x_mean, **paths, title=title))
        folder.figure("traversal.gif", Animation(frames(x_mean, **paths)))


def check_dims(model, dims):
    """Raises ValueError unless the model has these dimensions."""
    wrong = [d for d in dims or () if d > model.latent_dim]
    if wrong:
        raise ValueError(
            f"--dims must be dimensions of z, 1 to {model.latent_dim}. "
            f"Received: {wrong[0]}"
        )


def label_of(opened, given):
    """The code to decode with: --label's, or the row's; `None` if unconditional."""
    from models.runs.run_labels import code_of, labels_for

    if given.row is not None:
        run_commands.check_row(opened, "--row", given.row)
    code = code_of(opened, given.label)
    if code is not None or not opened.model.is_conditional:
        return code
    if given.row is None:
        raise ValueError(
            f"the model of {opened.path} is conditional: give --label, what to decode, "
            "or --row, whose label it then is"
        )
    return labels_for(opened, opened.dataset)[given.row]


def posterior(opened):
    """The means of q(z|x) of all rows, and each dimension's KL in nats, their mean."""
    from keras.ops import convert_to_numpy

    from models.blocks.densities import gaussian_kl
    from models.runs.run_labels import labels_for

    label = labels_for(opened, opened.dataset)
    q = opened.model.encode(opened.dataset.x, label)
    p = opened.model.prior(len(q[0]), label)
    kl = convert_to_numpy(gaussian_kl(*(each.reshape(-1, 1) for each in q + p)))
    return q[0], kl.reshape(q[0].shape).mean(axis=0)


def title_of(given, n):
    """What is shown, and what the dimensions that stay are at."""
    rest = "the prior's mean" if given.row is None else f"row {given.row}"
    most = " with the most KL" if given.dims is None else ""
    some = f"The {SHOWN} of {n} dimensions{most}" if n > SHOWN else "Each dimension"
    return f"{some} in prior standard deviations, the others as at {rest}"


def picture(x_mean, dims, kl, values, title):
    """A row a dimension, a column a value."""
    from models.plotting import image_grids, images

    shown = run_commands.spread(len(values), SHOWN)
    cells = x_mean[:SHOWN, shown]
    names = [f"$z_{{{d}}}$   {nats:.2f} nats" for d, nats in zip(dims, kl, strict=True)]
    heads = [number(value) for value in values[shown]]
    limits = images.grey_limits(x_mean)
    return image_grids.strips(cells, names[:SHOWN], heads, title, limits)


def frames(x_mean, dims, kl, values):
    """One picture a value: what every dimension does there."""
    from models.plotting import image_grids, images

    limits, names = images.grey_limits(x_mean), [f"$z_{{{d}}}$" for d in dims]
    for step, value in enumerate(values):
        cells = x_mean[:SHOWN, step]
        yield image_grids.frame(cells, names[:SHOWN], f"{number(value)} sd", limits)


def number(value):
    """Two decimals where they are needed, and no minus before 0."""
    return f"{round(value, 2) + 0:g}".replace("-", "\N{MINUS SIGN}")


if __name__ == "__main__":
    sys.exit(main())

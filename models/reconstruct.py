"""python -m models.reconstruct: what the model of a finished run makes of data."""

import sys

from models.cli import run_commands
from models.cli.command import finish
from models.cli.option_types import whole

WHAT = {
    "reconstructions.npz": "x, x_mean, and squared_error, its sum in each datum",
    "reconstructions.png": "data, and what the model makes of them",
}
MOST = 40  # data that a picture can hold


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    parser = run_commands.make_parser(
        "reconstruct", "Write the mean of p(x|z) at the mean of q(z|x) for every row."
    )
    run_commands.add_data(parser)
    parser.add_argument(
        "--n",
        type=whole,
        default=10,
        metavar="N",
        help="data in the picture, spread evenly over the rows (default: 10)",
    )
    return parser


def run(given):
    """Reconstructs the data. ValueError or OSError: what a user can mend."""
    if given.n > MOST:
        raise ValueError(
            f"--n must be 1 to {MOST}, for a picture to hold them. Received: {given.n}"
        )
    opened, model = run_commands.open_run(given.run)
    from models.plotting.images import plot_reconstructions
    from models.runs.run_labels import labels_for

    dataset = run_commands.data_of(opened, given)
    label = labels_for(opened, dataset)
    with run_commands.results(opened, given, WHAT) as folder:
        x, x_mean = dataset.x, model.reconstruct(dataset.x, label)
        error = ((x - x_mean) ** 2).reshape(len(x), -1).sum(axis=1)
        folder.arrays("reconstructions.npz", x=x, x_mean=x_mean, squared_error=error)
        shown = run_commands.spread(len(x), given.n)
        figure = plot_reconstructions(x[shown], x_mean[shown], given.n)
        folder.figure("reconstructions.png", figure)


if __name__ == "__main__":
    sys.exit(main())

"""python -m models.reconstruct: reconstructions of data by a finished run."""

import sys
from dataclasses import dataclass

from models import plotting
from models.cli import option_types as types
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "reconstructions.npz": "x, x_mean, and squared_error, its sum for each example",
    "reconstructions.png": "data and their reconstructions",
}
MAX_SHOWN = 40  # examples in the figure


@dataclass(kw_only=True)
class Options(run_commands.OnData):
    """Write the mean of p(x|z) for every row of the data.

    z is the mean of q(z|x) or, if q(z|x) is not Gaussian, the point that stands for it.

    Args:
        n: examples in the figure, spread evenly over the rows.
    """

    n: types.Positive = 10


def run(given):
    """Reconstructs the data. Raises ValueError or OSError for user errors."""
    if given.n > MAX_SHOWN:
        raise ValueError(
            f"--n must be 1 to {MAX_SHOWN}, which fit in a figure. Received: {given.n}"
        )
    opened, vae = run_commands.open_run(given.run)
    dataset = run_commands.data_of(opened, given)
    label = opened.labels_for(dataset)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS) as folder:
        x, x_mean = dataset.x, vae.reconstruct(dataset.x, label)
        error = ((x - x_mean) ** 2).reshape(len(x), -1).sum(axis=1)
        arrays = {"x": x, "x_mean": x_mean, "squared_error": error}
        folder.write_arrays("reconstructions.npz", **arrays)
        shown = run_commands.spread(len(x), given.n)
        figure = plotting.plot_reconstructions(x[shown], x_mean[shown], given.n)
        folder.write_figure("reconstructions.png", figure)


main = Command("reconstruct", Options, run)

if __name__ == "__main__":
    sys.exit(main())

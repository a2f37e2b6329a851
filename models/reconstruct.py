"""python -m models.reconstruct: reconstructions of data by a finished run."""

import sys
from dataclasses import dataclass

from models import plotting
from models.cli import option_types as types
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "reconstructions.npz": "x, x_mean; squared_error of each row, as the model sees it",
    "x_mean.npy": "the means of p(x|z) of data on disk, which can be memory-mapped",
    "squared_error.npy": "the squared error of each of their rows",
    "reconstructions.csv": "x_mean as a table with the columns of the data",
    "reconstructions.png": "data and their reconstructions",
}
MAX_SHOWN = 40  # examples in the figure


@dataclass(kw_only=True)
class Options(run_commands.OnData):
    """Write the mean of p(x|z) for every row of the data.

    z is the mean of q(z|x) or, if q(z|x) is not Gaussian, the point that stands for it.
    Of data that stay on disk the files are .npy, and are written a part at a time.

    Args:
        n: images in the figure, spread evenly over the rows.
    """

    n: types.Positive = 10


def run(given):
    """Reconstructs the data. Raises ValueError or OSError for user errors."""
    if given.n > MAX_SHOWN:
        raise ValueError(
            f"--n must be 1 to {MAX_SHOWN}, which fit in a figure. Received: {given.n}"
        )
    opened = run_commands.open_run(given.run)
    dataset, label = run_commands.read_data(opened, given)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS, dataset) as folder:
        vae = run_commands.load_model(opened)
        if is_on_disk := dataset.is_on_disk:
            write_in_parts(folder, vae, dataset, label)
            n = given.n if dataset.is_image else run_commands.MAX_POINTS
            step = -(-len(dataset.x) // n)
            dataset, label = (
                dataset.every(step),
                None if label is None else label[::step],
            )
        x, x_mean = dataset.x, vae.reconstruct(dataset.x, label)
        if not is_on_disk:
            write_reconstructions(folder, dataset, x, x_mean)
        folder.write_figure("reconstructions.png", draw(dataset, x, x_mean, given.n))


def write_in_parts(folder, vae, dataset, label):
    """Writes those of data on disk in the user's units, part by part."""
    import numpy as np

    from models.blocks.ondisk_array import slices

    x, errors = dataset.x, []

    def write(path):
        header = {"descr": "<f4", "fortran_order": False, "shape": x.shape}
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for rows in slices(x):
                part = x[rows]
                x_mean = vae.reconstruct(part, None if label is None else label[rows])
                errors.append(squared_error(part, x_mean))
                file.write(dataset.preprocessing.inverse(x_mean).astype("<f4"))

    folder.write_file("x_mean.npy", write)
    folder.write_array("squared_error.npy", np.concatenate(errors))


def squared_error(x, x_mean):
    """The sum of the squared errors of each row, (n,)."""
    return ((x - x_mean) ** 2).reshape(len(x), -1).sum(axis=1)


def write_reconstructions(folder, dataset, x, x_mean):
    """Writes them in the user's units; of a table also with its header."""
    error = squared_error(x, x_mean)
    decided, columns = dataset.preprocessing, dataset.columns
    if columns is not None:
        x = dataset.values.raw(slice(None))  # empty cells are NaN
    arrays = {"x": x, "x_mean": decided.inverse(x_mean), "squared_error": error}
    folder.write_arrays("reconstructions.npz", **arrays, columns=columns)
    if decided.columns is not None:
        cells = decided.to_cells(x_mean)
        run_commands.write_table(folder, "reconstructions.csv", cells)


def draw(dataset, x, x_mean, n):
    """n images and their reconstructions; of a table, all rows by column."""
    from models.cli import table_figures

    if not dataset.is_image:
        return table_figures.draw_reconstructions(dataset, x_mean)
    shown = run_commands.spread(len(x), n)
    return plotting.plot_reconstructions(x[shown], x_mean[shown], n)


main = Command("reconstruct", Options, run)

if __name__ == "__main__":
    sys.exit(main())

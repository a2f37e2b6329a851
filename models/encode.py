"""python -m models.encode: the latents of data under the model of a finished run."""

import sys
from dataclasses import dataclass
from typing import Literal

from models import plotting
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "latents.npz": "z_mean and z_log_var of q(z|x), or z; labels, label_names",
    "latents.csv": "the same as columns, one row per example",
    "z_mean.npy": "the means of q(z|x), which can be memory-mapped",
    "z_log_var.npy": "the logarithms of its variances",
    "z.npy": "the points that stand for q(z|x), which can be memory-mapped",
    "labels.npy": "the codes of the labels",
    "latent_pca.png": "the latents in the plane of their two principal axes",
}


@dataclass(kw_only=True)
class Options(run_commands.OnData):
    """Write the mean and the log-variance of q(z|x) for every row of the data.

    If q(z|x) is not Gaussian, write the point z that stands for it.

    Args:
        format: the kind of file; npy is one file for each array, which can be
            memory-mapped (default: npz; npy for data on disk).
    """

    format: Literal["npz", "csv", "npy"] | None = None


def run(given):
    """Encodes the data. Raises ValueError or OSError for user errors."""
    opened, vae = run_commands.open_run(given.run)
    from models.evaluation.latent_statistics import encode_points

    dataset = run_commands.data_of(opened, given)
    label = opened.labels_for(dataset)
    kind = given.format or ("npy" if dataset.is_on_disk else "npz")
    with run_commands.results(opened, given, FILE_DESCRIPTIONS) as folder:
        z, z_log_var = encode_points(vae, dataset.x, label)
        latents = {"z": z}
        if z_log_var is not None:
            latents = {"z_mean": z, "z_log_var": z_log_var}
        write_latents(folder, kind, latents, dataset)
        if len(z) > 1:  # one point has no principal axes
            step, labels = run_commands.figure_step(dataset), dataset.labels
            colours = {} if labels is None else {"label": labels[::step]}
            names, latents = dataset.label_names, {dataset.name: z[::step]}
            figure = plotting.plot_latent_pca(latents, colours, label_names=names)
            folder.write_figure("latent_pca.png", figure)


def write_latents(folder, kind, latents, dataset):
    """Writes latents and labels as latents.npz, latents.csv or one .npy for each."""
    codes, names = dataset.labels, dataset.label_names
    if kind == "csv":
        columns = {
            f"{name}_{i}": column
            for name, values in latents.items()
            for i, column in enumerate(values.T, start=1)
        }
        if codes is not None:
            columns["label"] = [names[code] for code in codes]
        folder.write_csv("latents.csv", columns)
    elif kind == "npz":
        folder.write_arrays("latents.npz", **latents, labels=codes, label_names=names)
    else:
        for name, array in (latents | {"labels": codes}).items():
            if array is not None:
                folder.write_array(f"{name}.npy", array)


main = Command("encode", Options, run)

if __name__ == "__main__":
    sys.exit(main())

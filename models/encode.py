"""python -m models.encode: the latents of data under the model of a finished run."""

import sys
from dataclasses import dataclass
from typing import Literal

from models import plotting
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "latents.npz": "z_mean and z_log_var of q(z|x), or z; classes, labels, if any",
    "latents.csv": "latents, classes and labels of the rows, in the order of the data",
    "z_mean.npy": "the means of q(z|x), which can be memory-mapped",
    "z_log_var.npy": "the logarithms of its variances",
    "z.npy": "the points that stand for q(z|x), which can be memory-mapped",
    "classes.npy": "the most probable class of the mixture",
    "responsibilities.npy": "the probability of each class",
    "labels.npy": "the codes of the labels",
    "latent_pca.png": "the latents in the plane of their two principal axes",
}


@dataclass(kw_only=True)
class Options(run_commands.OnData):
    """Write the mean and the log-variance of q(z|x) for every row of the data.

    If q(z|x) is not Gaussian, write the point z that stands for it. If the run has a
    mixture, write the class of each row and its probability.

    Args:
        format: the kind of file; npy is one file for each array, which can be
            memory-mapped (default: npz; npy for data on disk).
    """

    format: Literal["npz", "csv", "npy"] | None = None


def run(given):
    """Encodes the data. Raises ValueError or OSError for user errors."""
    opened = run_commands.open_run(given.run)
    dataset, label = run_commands.read_data(opened, given)
    kind = given.format or ("npy" if dataset.is_on_disk else "npz")
    with run_commands.results(opened, given, FILE_DESCRIPTIONS, dataset) as folder:
        vae = run_commands.load_model(opened)
        from models.evaluation.latent_statistics import (
            class_probabilities,
            encode_points,
        )

        z, z_log_var = encode_points(vae, dataset.x, label)
        latents = {"z": z}
        if z_log_var is not None:
            latents = {"z_mean": z, "z_log_var": z_log_var}
        mixture, classes = opened.mixture, {}
        if mixture is not None:
            shares = class_probabilities(mixture, z, z_log_var)
            classes = {"classes": shares.argmax(axis=1), "responsibilities": shares}
            print(count_classes(classes["classes"], shares.shape[1]))
        write_latents(folder, kind, latents, classes, dataset)
        if len(z) > 1:  # one point has no principal axes
            step = run_commands.figure_step(dataset)
            found = {"label": dataset.labels, "class": classes.get("classes")}
            colours = {k: v[::step] for k, v in found.items() if v is not None}
            names, latents = dataset.label_names, {dataset.name: z[::step]}
            figure = plotting.plot_latent_pca(latents, colours, label_names=names)
            folder.write_figure("latent_pca.png", figure)


def count_classes(classes, n_classes):
    """How many rows each class has, as a line."""
    rows = [int((classes == k).sum()) for k in range(n_classes)]
    shown = ", ".join(f"{n} in class {k}" for k, n in enumerate(rows) if n)
    return f"  rows by class of the mixture: {shown}"


def write_latents(folder, kind, latents, classes, dataset):
    """Writes latents, classes and labels, as one file or as one .npy for each."""
    codes, names = dataset.labels, dataset.label_names
    if kind == "csv":
        columns = {
            f"{name}_{i}": column
            for name, values in latents.items()
            for i, column in enumerate(values.T, start=1)
        }
        if classes:
            columns["class"] = classes["classes"]
            columns["class_probability"] = classes["responsibilities"].max(axis=1)
        if codes is not None:
            columns["label"] = [names[code] for code in codes]
        folder.write_csv("latents.csv", columns)
        return
    arrays = latents | classes | {"labels": codes}
    if kind == "npz":
        folder.write_arrays("latents.npz", **arrays, label_names=names)
        return
    for name, array in arrays.items():
        if array is not None:
            folder.write_array(f"{name}.npy", array)


main = Command("encode", Options, run)

if __name__ == "__main__":
    sys.exit(main())

"""python -m models.encode: the latents q(z|x) of a finished run, of any data."""

import sys

from models.cli import run_commands
from models.cli.command import finish

WHAT = {
    "latents.npz": "z_mean, z_log_var of q(z|x), labels, label_names",
    "latents.csv": "the same as columns, one row a datum",
    "z_mean.npy": "the means of q(z|x), to be memory-mapped",
    "z_log_var.npy": "the logs of its variances, the same",
    "labels.npy": "the labels' codes",
    "latent_pca.png": "the latent space in the plane of its two principal axes",
}
MOST_SHOWN = 20_000  # points in the picture, of data that stay on disk


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    parser = run_commands.make_parser(
        "encode", "Write mean and log-variance of q(z|x) for every row of the data."
    )
    run_commands.add_data(parser)
    parser.add_argument(
        "--format",
        choices=["npz", "csv", "npy"],
        help="the kind of file; npy is a file an array, written part by part "
        "(default: npz, of data that stay on disk npy)",
    )
    return parser


def run(given):
    """Encodes the data. ValueError or OSError: what a user can mend."""
    opened, model = run_commands.open_run(given.run)
    from models.plotting.latent_space import plot_latent_pca
    from models.runs import latent_files
    from models.runs.run_labels import labels_for

    dataset = run_commands.data_of(opened, given)
    label = labels_for(opened, dataset)
    kind = given.format or latent_files.default_format(dataset.x)
    with run_commands.results(opened, given, WHAT) as folder:
        if kind == "npy":
            z_mean = write_npy(folder, model, dataset, label)
        else:
            z_mean, z_log_var = model.encode(dataset.x, label)
        if kind == "csv":
            folder.csv("latents.csv", columns(z_mean, z_log_var, dataset))
        elif kind == "npz":
            labels = {"labels": dataset.labels, "label_names": dataset.label_names}
            labels = {} if dataset.labels is None else labels
            folder.arrays("latents.npz", z_mean=z_mean, z_log_var=z_log_var, **labels)
        if len(z_mean) > 1:  # one point has no principal axes
            step = -(-len(z_mean) // MOST_SHOWN) if dataset.is_on_disk else 1
            labels, names = dataset.labels, dataset.label_names
            colours = {} if labels is None else {"label": labels[::step]}
            figure = plot_latent_pca(
                {dataset.name: z_mean[::step]}, colours, label_names=names
            )
            folder.figure("latent_pca.png", figure)


def write_npy(folder, model, dataset, label):
    """Writes the latents part by part; returns a map of z_mean."""
    import numpy as np

    from models.runs import latent_files

    latent_files.write(folder, model, dataset.x, label)
    if dataset.labels is not None:
        folder.file("labels.npy", lambda path: save_npy(path, dataset.labels))
    return np.load(folder.path / "z_mean.npy", mmap_mode="r")


def save_npy(path, array):
    import numpy as np

    with path.open("wb") as file:  # np.save would add a suffix to a path
        np.save(file, array)


def columns(z_mean, z_log_var, dataset):
    """z_mean_1, ..., z_log_var_1, ... and label, the names of the labels."""
    q = {"z_mean": z_mean, "z_log_var": z_log_var}
    table = {f"{name}_{i}": z for name in q for i, z in enumerate(q[name].T, start=1)}
    if dataset.labels is not None:
        table["label"] = [dataset.label_names[code] for code in dataset.labels]
    return table


if __name__ == "__main__":
    sys.exit(main())

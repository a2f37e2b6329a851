"""python -m models.encode: the latents q(z|x) of a finished run, of any data."""

import sys

from models.experiment import run_commands
from models.experiment.command import finish

WHAT = {
    "latents.npz": "z_mean, z_log_var of q(z|x), labels, label_names",
    "latents.csv": "the same as columns, one row a datum",
    "latent_pca.png": "the latent space in the plane of its two principal axes",
}


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
        choices=["npz", "csv"],
        default="npz",
        help="the kind of file (default: npz)",
    )
    return parser


def run(given):
    """Encodes the data. ValueError or OSError: what a user can mend."""
    opened, model = run_commands.open_run(given.run)
    from models.experiment import plots
    from models.experiment.run_labels import labels_for

    dataset = run_commands.data_of(opened, given)
    label = labels_for(opened, dataset)
    with run_commands.results(opened, given, WHAT) as folder:
        z_mean, z_log_var = model.encode(dataset.x, label)
        if given.format == "csv":
            folder.csv("latents.csv", columns(z_mean, z_log_var, dataset))
        else:
            labels = {"labels": dataset.labels, "label_names": dataset.label_names}
            labels = {} if dataset.labels is None else labels
            folder.arrays("latents.npz", z_mean=z_mean, z_log_var=z_log_var, **labels)
        if len(z_mean) > 1:  # one point has no principal axes
            colours = {} if dataset.labels is None else {"label": dataset.labels}
            names = dataset.label_names
            figure = plots.latent_pca(
                {dataset.name: z_mean}, colours, label_names=names
            )
            folder.figure("latent_pca.png", figure)


def columns(z_mean, z_log_var, dataset):
    """z_mean_1, ..., z_log_var_1, ... and label, the names of the labels."""
    q = {"z_mean": z_mean, "z_log_var": z_log_var}
    table = {f"{name}_{i}": z for name in q for i, z in enumerate(q[name].T, start=1)}
    if dataset.labels is not None:
        table["label"] = [dataset.label_names[code] for code in dataset.labels]
    return table


if __name__ == "__main__":
    sys.exit(main())

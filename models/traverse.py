"""python -m models.traverse: what each latent dimension of a finished run does."""

import sys
from dataclasses import dataclass

from models import plotting
from models.cli import option_types as types
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "traversal.npz": "z and x_mean of one path per dimension; dims (z1 is 1), values",
    "traversal.png": "one row per dimension, the most relevant first",
    "traversal.gif": "the same as an animation, of images",
    "latent_effects.png": "the change of each column of a table along each dimension",
}
MAX_LINES = 6  # dimensions in the picture of a table
MAX_SHOWN = 20  # rows, and columns, of the picture


@dataclass(kw_only=True)
class Options(run_commands.OnRun):
    """Decode paths along which one dimension of z changes and the others are fixed.

    Args:
        row: start at the latents of this row of the run's data, counted from 0
            (default: at the mean of the prior).
        range: from -R to R standard deviations of the prior, or of the latents if the
            prior is not Gaussian.
        steps: values of each dimension.
        dims: which dimensions, 1 for z1 (default: all, the largest KL first).
        label: the name or number of the label to decode (default: the label of the row
            --row).
    """

    row: types.Row | None = None
    range: types.Rate = 3.0
    steps: types.TwoOrMore = 11
    dims: tuple[types.Positive, ...] | None = None
    label: types.Label | None = None


def run(given):
    """Runs the traversal; raises ValueError or OSError for user errors."""
    opened = run_commands.open_run(given.run)
    if given.row is not None:
        run_commands.check_row(opened, "--row", given.row)
    label = run_commands.decoded_label(opened, given.label, given.row)
    dataset = opened.dataset
    labels = opened.labels_for(dataset)
    vae = run_commands.load_model(opened)
    import numpy as np

    from models.evaluation import latent_paths
    from models.evaluation.latent_statistics import encode_statistics, latent_scale

    for wrong in (d for d in given.dims or () if d > vae.latent_dim):
        raise ValueError(
            f"--dims must be dimensions of z, 1 to {vae.latent_dim}. Received: {wrong}"
        )
    latents = encode_statistics(vae, dataset.x, labels)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS) as folder:
        axes = np.subtract(given.dims or np.argsort(-latents.relevance) + 1, 1)
        relevance, measure = latents.relevance[axes], latents.measure
        mean, scale, source = latent_scale(vae, latents.z, label)
        values = np.linspace(-given.range, given.range, given.steps)
        start = mean if given.row is None else latents.z[given.row]
        along = mean[axes, None] + values * scale[axes, None]
        z = latent_paths.along_axes(start, axes, along)
        x_mean = run_commands.decode_grid(vae, z, label)
        paths = {"dims": axes + 1, measure.lower(): relevance, "values": values}
        paths["x_mean"] = dataset.preprocessing.inverse(x_mean)
        paths["columns"] = dataset.columns
        folder.write_arrays("traversal.npz", z=z, **paths)
        title = make_title(given, len(axes), measure, source)
        names = [f"$z_{{{axis + 1}}}$" for axis in axes]
        row_name = "{}   {:.2f} nats" if measure == "KL" else "{}   sd {:.2f}"
        row_names = list(map(row_name.format, names, relevance))
        if not dataset.is_image:
            draw_table(folder, dataset, vae, latents.z, label, (axes, values, x_mean))
            return
        figure = plot_traversal(x_mean, row_names, values, title)
        folder.write_figure("traversal.png", figure)
        heads = [f"{format_value(value)} sd" for value in values]
        frames = plotting.Animation(x_mean[:MAX_SHOWN], names[:MAX_SHOWN], heads)
        folder.write_figure("traversal.gif", frames)


def draw_table(folder, dataset, vae, z, label, paths):
    """The columns along the first dimensions, and the effects of all of them.

    `paths` are the dimensions, the values in standard deviations, and x_mean.
    """
    from models.cli import table_figures

    axes, values, x_mean = paths
    shown = axes[:MAX_LINES]
    lines = {f"$z_{{{axis + 1}}}$": x_mean[i] for i, axis in enumerate(shown)}
    title = "Each column while one dimension of z changes"
    if len(shown) < len(axes):
        title += f", the first {len(shown)} of {len(axes)}"
    words = {"title": title, "xlabel": "z in standard deviations"}
    figure = table_figures.draw_paths(dataset, values, lines, **words)
    folder.write_figure("traversal.png", figure)
    effects = table_figures.find_effects(dataset, vae, z, label)
    figure = table_figures.draw_effects(dataset, effects, label)
    folder.write_figure("latent_effects.png", figure)


def make_title(given, n, measure, source):
    """What is shown, and where the fixed dimensions are."""
    centre = "the mean of the prior" if source == "prior" else "the mean of the latents"
    others = centre if given.row is None else f"row {given.row}"
    largest = f" with the largest {measure}" if given.dims is None else ""
    several = f"The {MAX_SHOWN} of {n} dimensions{largest}"
    shown = several if n > MAX_SHOWN else "Each dimension"
    latents = "standard deviations of the latents (the prior is not Gaussian)"
    scale = "prior standard deviations" if source == "prior" else latents
    return f"{shown} in {scale}, the others at {others}"


def plot_traversal(x_mean, names, values, title):
    """One row per dimension, one column per value."""
    shown = run_commands.spread(len(values), MAX_SHOWN)
    heads = [format_value(value) for value in values[shown]]
    cells, limits = x_mean[:MAX_SHOWN, shown], plotting.grey_limits(x_mean)
    return plotting.plot_image_grid(cells, names[:MAX_SHOWN], heads, title, limits)


def format_value(value):
    """At most two decimals, and no minus sign before 0."""
    return f"{round(value, 2) + 0:g}".replace("-", "\N{MINUS SIGN}")


main = Command("traverse", Options, run)

if __name__ == "__main__":
    sys.exit(main())

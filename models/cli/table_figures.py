"""The figures of a table: its columns by name, in the user's units.

x and x_mean are those of the model, (..., d).
"""

import numpy as np

from models import plotting
from models.cli import table_scores
from models.evaluation.latent_effects import latent_effects


def entry_scale(dataset) -> np.ndarray:
    """The standard deviation of each entry of x, 1 for constants."""
    scale = dataset.x[:].std(axis=0)
    return np.where(scale > 0, scale, 1)


def by_column(dataset, numbers) -> dict[str, float]:
    """The largest number among the entries, (d,), of each column."""
    pairs = dataset.preprocessing.slices()
    return {column.name: float(numbers[where].max()) for column, where in pairs}


def draw_reconstructions(dataset, x_mean):
    """True against reconstructed values, by column."""
    scores = table_scores.score_columns(dataset, x_mean)
    shares = {name: table_scores.share(each) for name, each in scores.items()}
    columns = dataset.stored_columns, dataset.columns_of(x_mean)
    return plotting.plot_column_reconstructions(*columns, shares)


def draw_samples(dataset, x_mean, title):
    """The distribution of the data and of decoded samples, by column."""
    columns = dataset.stored_columns, dataset.columns_of(x_mean)
    return plotting.plot_column_samples(*columns, title)


def find_effects(dataset, vae, z, label=None):
    """`latent_effects` in standard deviations of the data; `z` are their latents."""
    return latent_effects(vae, z, entry_scale(dataset), label)


def draw_effects(dataset, effects, label=None):
    """What each latent does to each column, of `find_effects`."""
    title = "Change of each column, in its sd, when z goes from −1 to +1 sd"
    if label is not None:
        title += f", label {dataset.label_names[label]}"
    return plotting.plot_latent_effects(effects, dataset.columns, title)


def draw_pairs(dataset, classes, effects):
    """Pairs of columns by label and class; `None` without numbers.

    `effects` are those of `latent_effects`.
    """
    found = {"label": dataset.labels, "class": classes}
    colourings = {kind: codes for kind, codes in found.items() if codes is not None}
    columns, names = dataset.stored_columns, dataset.label_names
    relevance = by_column(dataset, np.abs(effects).max(axis=0))
    return plotting.plot_pairs(columns, colourings, names, relevance)


def draw_plane(dataset, x_mean, extent, z, label=None):
    """The decoded plane of two latents, by column; x_mean is (rows, columns, d)."""
    columns, note = _varied(dataset, x_mean)
    title = "Decoded plane of the two latents; dots are the data"
    if label is not None:
        title += f"; label {dataset.label_names[label]}"
    return plotting.plot_column_planes(columns, extent, z, title + note)


def draw_paths(dataset, along, paths, **texts):
    """The columns along paths; `paths` are name -> x_mean, (steps, d).

    `texts` are those of `plot_column_paths`; `ends` has two examples, (2, d).
    """
    shown, note = _varied(dataset, np.stack([*paths.values()]))
    lines = {
        name: {key: dataset.columns_of(x_mean)[key] for key in shown}
        for name, x_mean in paths.items()
    }
    if "ends" in texts:
        texts["ends"] = dataset.columns_of(texts["ends"])
    texts["title"] += note
    return plotting.plot_column_paths(along, lines, dataset.stored_columns, **texts)


def _varied(dataset, x_mean):
    """The columns of x_mean that vary most, and which they are, for a title."""
    rows = (x_mean / entry_scale(dataset)).reshape(-1, x_mean.shape[-1])
    spread = rows.std(axis=0)
    columns, relevance = dataset.columns_of(x_mean), by_column(dataset, spread)
    return plotting.select_columns(columns, relevance, "change")

"""Figures of data, latent spaces, training curves and scores.

    images             plot_reconstructions, plot_samples, plot_manifold
    image_grids        plot_image_grid and others: images in grids
    tables             plot_column_reconstructions, plot_column_samples
    latent_effects     plot_latent_effects, plot_column_paths: latents and columns
    column_planes      plot_column_planes: a table over two latents
    pairs              plot_pairs: columns against one another
    segments           plot_segments, plot_pieces: sequences cut into pieces
    columns            the columns of a table, on which these four are built
    latent_space       plot_latent_pca, in the plane of plane.py
    curves             plot_training_curves, plot_round_scores
    evaluation_page    plot_evaluation
    animation          Animation, a grid as a GIF
    style              colours, the figure class, axes and legends

Every function takes arrays and returns a Matplotlib figure. None opens a window, writes
a file or uses `pyplot`. This room imports nothing else of the project. Its public
functions are available as `plotting.plot_samples` etc. and imported on first use:

    from models import plotting

    plotting.plot_reconstructions(x, model.reconstruct(x))
"""

from importlib import import_module

_PUBLIC = {
    "animation": ["Animation"],
    "column_planes": ["plot_column_planes"],
    "columns": ["select_columns"],
    "curves": ["plot_round_scores", "plot_training_curves"],
    "evaluation_page": ["extreme_rows", "plot_evaluation"],
    "image_grids": ["grey_limits", "plot_image_grid", "plot_samples_by_label"],
    "images": ["plot_manifold", "plot_reconstructions", "plot_samples"],
    "latent_effects": ["plot_column_paths", "plot_latent_effects"],
    "latent_space": ["plot_latent_pca"],
    "pairs": ["plot_pairs"],
    "segments": ["plot_pieces", "plot_segments"],
    "tables": ["plot_column_reconstructions", "plot_column_samples"],
}


def __getattr__(name):
    for module, names in _PUBLIC.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

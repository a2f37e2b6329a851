"""Figures of data, latent spaces, training curves and scores.

    style              colours, the figure class, axes and legends
    image_grids        images and vectors in grids: drawing, labelled grids, frames
    images             plot_reconstructions, plot_samples, plot_manifold
    latent_space       plot_latent_pca
    curves             plot_training_curves, plot_round_scores
    evaluation_page    plot_evaluation
    animation          Animation, figures as a GIF

Every function takes arrays and returns a Matplotlib figure. None opens a window, writes
a file or uses `pyplot`. This room imports nothing else of the project. Its public
functions are available as `plotting.plot_samples` etc. and imported on first use:

    from models import plotting

    plotting.plot_reconstructions(x, model.reconstruct(x))
"""

from importlib import import_module

_PUBLIC = {
    "Animation": "animation",
    "plot_evaluation": "evaluation_page",
    "plot_image_grid": "image_grids",
    "plot_latent_pca": "latent_space",
    "plot_manifold": "images",
    "plot_reconstructions": "images",
    "plot_round_scores": "curves",
    "plot_samples": "images",
    "plot_training_curves": "curves",
}
__all__ = [*_PUBLIC]  # noqa: PLE0604


def __getattr__(name):
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *_PUBLIC]

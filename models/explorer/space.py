"""What all tabs of the page share: the data of a run, and their latents by round."""

from dataclasses import dataclass

import keras
import numpy as np

from models.blocks.inputs import checked, with_label
from models.data.errors import DataError
from models.evaluation.latent_statistics import (
    LatentStatistics,
    encode_points,
    latent_scale,
    latent_statistics,
)
from models.explorer.colours import Colouring, make_colourings
from models.explorer.html_images import ImageRenderer
from models.explorer.html_tables import TableRenderer
from models.plotting.plane import fit_plane
from models.runs.rounds import Round
from models.runs.saved_run import SavedRun


@dataclass(frozen=True, eq=False)
class RoundLatents(LatentStatistics):
    """The latents after one round, their colourings by kind, and the classes if any.

    `classes` are (n,), `class_means` (n_components, latent_dim).
    """

    colourings: dict[str, Colouring]
    classes: np.ndarray | None
    class_means: np.ndarray | None

    def nearest(self, example: int, n: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """The nearest examples in all dimensions: (indices, distances), (<= n,)."""
        distances = np.linalg.norm(self.z - self.z[example], axis=1)
        order = np.argsort(distances, kind="stable")
        found = order[order != example][:n]
        return found, distances[found]


class LatentSpace:
    """The latent space of a `SavedRun`, whose model is not used: it opens its own.

    Attributes:
        title: the name of the run's folder.
        rounds: the numbers of its rounds; (0,) for a run stopped in the first.
        latents: round -> its `RoundLatents`.
        plane: the plane of the scatter plot, the same in all rounds.
        points: round -> the points of the scatter plot, (n, 2) float32.
        extent: ((left, right), (bottom, top)) of nearly all points of all rounds.
        limits: (low, high) of the sliders, each (latent_dim,), the same in all rounds.
        renderer: the `ImageRenderer` or `TableRenderer` of examples.

    Raises:
        ValueError: if a file is missing or damaged, or the data have changed.
        OSError: if a file cannot be read.
    """

    def __init__(self, run):
        self.run = SavedRun(run.path)
        self.title = run.path.resolve().name
        self.vae, self.data = self.run.model, self.run.dataset
        saved = read_rounds(self.run)
        self.rounds = tuple(saved)
        self._weights, self._round = {k: each.model for k, each in saved.items()}, None
        self.latents = {k: self._round_latents(k, each) for k, each in saved.items()}
        arrays = [latents.z for latents in self.latents.values()]
        self.plane = fit_plane(arrays)
        points = [self.plane.scatter(z).astype(np.float32) for z in arrays]
        self.points = dict(zip(self.rounds, points, strict=True))
        self.extent = scatter_extent(np.concatenate(points))
        label = 0 if self.vae.is_conditional else None
        mean, scale, _ = latent_scale(self.vae, arrays[-1], label)
        self.limits = slider_limits(np.concatenate(arrays), mean, scale)
        self.renderer = make_renderer(self.data)

    def decode(self, z: np.ndarray, round: int, label=None) -> np.ndarray:
        """The mean of p(x|z) with the weights of a round, (n, *input_shape).

        It calls the decoder on one batch: a third of a millisecond for a row, where
        `vae.decode`, made for many rows, takes 40 or more on TensorFlow.
        """
        self._set_round(round)
        inputs = with_label(self.vae, checked("z", z, (self.vae.latent_dim,)), label)
        parameters = self.vae.decoder.predict_on_batch(inputs)
        x_mean = keras.ops.convert_to_numpy(self.vae.likelihood.mean(parameters))
        return x_mean.astype(np.float32)

    def _set_round(self, round):
        """Gives the model the weights of a round."""
        if round != self._round:
            self.vae.set_weights(self._weights[round])
            self._round = round

    def _round_latents(self, number, saved):
        """The latents of a `Round`."""
        self._check(saved.points)
        self._set_round(number)  # the prior may be learned
        labels = self.run.labels_for(self.data)
        found = latent_statistics(self.vae, saved.points, saved.z_log_var, labels)
        groups = {"classes": saved.classes, "class_means": saved.means}
        colourings = make_colourings(self.data, saved.classes)
        return RoundLatents(**vars(found), colourings=colourings, **groups)

    def _check(self, z):
        """Raises DataError unless the points are those of the data, and finite."""
        if len(self.data.x) != len(z):
            raise DataError(
                f"{self.run.config['data']}: the run was trained on {len(z)} rows, and "
                f"now there are {len(self.data.x)}; restore the data."
            )
        if not np.isfinite(z).all():
            raise DataError(
                f"{self.run.path}: its latents are not all finite, so its training has "
                "failed; train again with a lower --learning-rate."
            )


def make_renderer(data) -> ImageRenderer | TableRenderer:
    """What renders the rows of a `Dataset`."""
    if data.is_image:
        return ImageRenderer(data.x)
    return TableRenderer(data.x, data.preprocessing)


def read_rounds(run: SavedRun) -> dict[int, Round]:
    """Number -> round; 0 -> that of the model, of a run stopped in the first round."""
    if run.n_rounds:
        return {k: run.round(k) for k in range(1, run.n_rounds + 1)}
    labels = run.labels_for(run.dataset)
    z, z_log_var = encode_points(run.model, run.dataset.x, labels)
    return {0: Round(z=z, z_log_var=z_log_var, model=run.model.get_weights())}


def slider_limits(z, mean, scale) -> tuple[np.ndarray, np.ndarray]:
    """The range of the sliders: all latents, and three scales around the mean."""
    low = np.minimum(z.min(axis=0), mean - 3 * scale)
    high = np.maximum(z.max(axis=0), mean + 3 * scale)
    return np.floor(10 * low) / 10, np.ceil(10 * high) / 10


def scatter_extent(points) -> tuple:
    """The limits of x and of y, which exclude 0.2 % of the points on each side."""
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    margin = 0.08 * (high - low) + 1e-6
    return tuple(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))

"""What all tabs of the page share: the data of a run, and their latents by round."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from sklearn.neighbors import NearestNeighbors

from models.blocks.inputs import checked, with_label
from models.data.errors import DataError
from models.evaluation.latent_statistics import (
    LatentStatistics,
    encode_statistics,
    latent_scale,
    latent_statistics,
)
from models.explorer.html_images import Renderer
from models.plotting.plane import fit_plane
from models.runs.saved_run import SavedRun


@dataclass(frozen=True, eq=False)
class RoundLatents(LatentStatistics):
    """The latents after one round, the classes, (n,), and their means, or None."""

    classes: np.ndarray | None = None
    class_means: np.ndarray | None = None

    @property
    def mean(self) -> np.ndarray:
        """The mean of all points, (latent_dim,)."""
        return self.z.mean(axis=0)

    def nearest(self, example: int, n: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """The nearest examples in all dimensions: (indices, distances), (<= n,)."""
        n = min(n, len(self.z) - 1)
        distances, found = self._index.kneighbors(self.z[[example]], n + 1)
        others = found[0] != example  # with duplicates it need not be the first
        return found[0][others][:n], distances[0][others][:n]

    @cached_property
    def _index(self):
        return NearestNeighbors().fit(self.z)


class RoundDecoder:
    """z -> the mean of p(x|z), with the weights of any round.

    It calls the decoder on one batch: a third of a millisecond for a row, where
    `vae.decode`, made for many rows, takes 40 or more on TensorFlow.
    """

    def __init__(self, vae, weights: dict[int, list]):
        self.vae, self.weights, self.round = vae, weights, None

    def __call__(self, z, round, label=None):
        """(n, latent_dim), with a conditional model's label -> (n, *input_shape)."""
        self.set_round(round)
        inputs = with_label(self.vae, checked("z", z, (self.vae.latent_dim,)), label)
        parameters = self.vae.decoder.predict_on_batch(inputs)
        x_mean = keras.ops.convert_to_numpy(self.vae.likelihood.mean(parameters))
        return x_mean.astype(np.float32)

    def set_round(self, round):
        """Gives the model the weights of a round."""
        if round != self.round:
            self.vae.set_weights(self.weights[round])
            self.round = round


class LatentSpace:
    """The latent space of a `SavedRun`, whose model is not used: it opens its own.

    Attributes:
        rounds: the numbers of its rounds; (0,) for a run stopped in the first.
        latents: round -> its `RoundLatents`.
        plane: the plane of the scatter plot, the same in all rounds.
        points: round -> the points of the scatter plot, (n, 2) float32.
        extent: ((left, right), (bottom, top)) of nearly all points of all rounds.
        limits: (low, high) of the sliders, each (latent_dim,), the same in all rounds.
        decoder: the `RoundDecoder`. renderer: the `Renderer` of examples.

    Raises:
        ValueError: if a file is missing or damaged, or the data have changed.
        OSError: if a file cannot be read.
    """

    def __init__(self, run):
        self.run = SavedRun(run.path)
        self.vae, self.data = self.run.model, self.run.dataset
        self.labels = self.run.labels_for(self.data)
        self.rounds = tuple(range(1, self.run.n_rounds + 1)) or (0,)
        saved = {k: self.run.round(k) for k in self.rounds if k}
        weights = {k: each.model for k, each in saved.items()}
        self.decoder = RoundDecoder(self.vae, weights or {0: self.vae.get_weights()})
        self.latents = {k: self._round_latents(k, saved.get(k)) for k in self.rounds}
        arrays = [latents.z for latents in self.latents.values()]
        self._check_finite(arrays)
        self.plane = fit_plane(arrays)
        self.points = {
            k: self.plane.scatter(each.z).astype(np.float32)
            for k, each in self.latents.items()
        }
        self.extent = scatter_extent(np.concatenate([*self.points.values()]))
        label = 0 if self.vae.is_conditional else None
        mean, scale, _ = latent_scale(self.vae, arrays[-1], label)
        self.limits = slider_limits(arrays, mean, scale)
        self.renderer = Renderer(self.data.x)

    def _round_latents(self, number, saved):
        self.decoder.set_round(number)  # the prior may be learned
        if saved is None:
            found = encode_statistics(self.vae, self.data.x, self.labels)
            return RoundLatents(**vars(found))
        self._check_rows(len(saved.points))
        q = saved.points, saved.z_log_var
        found = latent_statistics(self.vae, *q, self.labels)
        return RoundLatents(
            **vars(found), classes=saved.classes, class_means=saved.means
        )

    def _check_rows(self, n):
        if len(self.data.x) != n:
            raise DataError(
                f"{self.run.config['data']}: the run was trained on {n} rows, and now "
                f"there are {len(self.data.x)}; restore the data."
            )

    def _check_finite(self, latents):
        if not all(np.isfinite(z).all() for z in latents):
            raise DataError(
                f"{self.run.path}: its latents are not all finite, so its training has "
                "failed; train again with a lower --learning-rate."
            )


def slider_limits(latents, mean, scale) -> tuple[np.ndarray, np.ndarray]:
    """The range of the sliders: all latents, and three scales around the mean."""
    low = np.min([z.min(axis=0) for z in latents] + [mean - 3 * scale], axis=0)
    high = np.max([z.max(axis=0) for z in latents] + [mean + 3 * scale], axis=0)
    return np.floor(10 * low) / 10, np.ceil(10 * high) / 10


def scatter_extent(points) -> tuple:
    """The limits of x and of y, which exclude 0.2 % of the points on each side."""
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    margin = 0.08 * (high - low) + 1e-6
    return tuple(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))

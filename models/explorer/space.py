"""What all tabs of the page share: a run's data, and what each round made of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.neighbors import NearestNeighbors

from models.data.errors import DataError
from models.evaluation.metrics import kl_per_dimension
from models.explorer import plane
from models.explorer.decoder import Decoder
from models.explorer.drawing import Artist
from models.runs import saved_run
from models.runs.run_labels import labels_for


@dataclass(frozen=True, eq=False)
class Latents:
    """What one round made of the data.

    z_mean: (n, latent_dim). kl: of each dimension, KL(q(z_d|x) || p(z_d)) in nats, the
    mean over the data, (latent_dim,). classes: (n,), and means: of the classes,
    (n_components, latent_dim); `None` where a run was stopped before it had any.
    """

    z_mean: np.ndarray
    kl: np.ndarray
    classes: np.ndarray | None
    means: np.ndarray | None

    def neighbours(self, datum, n=8):
        """The data nearest in the whole latent space: (indices, distances), (<= n,)."""
        n = min(n, len(self.z_mean) - 1)
        distances, found = self._index.kneighbors(self.z_mean[[datum]], n + 1)
        others = found[0] != datum  # among twins it need not be the first
        return found[0][others][:n], distances[0][others][:n]

    @cached_property
    def _index(self):
        return NearestNeighbors().fit(self.z_mean)


class Space:
    """The latent space of a run, ready to be looked at.

    Args:
        run: a `finished.Run`. Its model is left alone: there is another one here.

    Attributes:
        rounds: the numbers of its rounds; (0,) for a run stopped in the first.
        latents: round -> its `Latents`.
        plane: the plane of the scatter, the same in all rounds.
        points: round -> where its data lie in the scatter, (n, 2) float32.
        extent: ((left, right), (bottom, top)) of nearly all points, in all rounds.
        limits: (low, high) of the sliders, each (latent_dim,), the same in all rounds.
        decoder: (z, round, label) -> the mean of p(x|z).
        artist: draws data, all in one scale.

    Raises ValueError or OSError, with a sentence: a file is missing, damaged, or not
    what the run was trained on.
    """

    def __init__(self, run):
        self.run = saved_run.Run(run.path)
        self.data = self.run.dataset
        self.rounds = tuple(range(1, self.run.n_rounds + 1)) or (0,)
        whole = {k: self.run.round(k) for k in self.rounds if k}
        for each in whole.values():
            self._check_rows(len(each.z_mean))
        self.latents = {k: self._of_round(each) for k, each in whole.items()}
        if not whole:
            self.latents[0] = self._of_model()
        every = [latents.z_mean for latents in self.latents.values()]
        self._check_finite(every)
        self.plane = plane.fit(every)
        self.points = {k: self._points(each) for k, each in self.latents.items()}
        self.extent = extent(np.concatenate([*self.points.values()]))
        self.limits = limits(every)
        weights = {k: each.model for k, each in whole.items()}
        weights = weights or {0: self.run.model.get_weights()}
        self.decoder = Decoder(self.run.model, weights)
        self.artist = Artist(self.data.x)

    def _points(self, latents):
        """A single dimension is spread over a strip of random heights."""
        points = self.plane.project(latents.z_mean)
        if points.shape[1] == 1:
            heights = np.random.default_rng(0).uniform(-0.5, 0.5, points.shape)
            points = np.hstack([points, heights])
        return points.astype(np.float32)

    def _of_round(self, kept):
        kl = self._kl(kept.z_mean, kept.z_log_var)
        return Latents(kept.z_mean, kl, kept.classes, kept.means)

    def _of_model(self):
        q = self.run.model.encode(self.data.x, labels_for(self.run, self.data))
        return Latents(q[0], self._kl(*q), None, None)

    def _kl(self, z_mean, z_log_var):
        """Of each dimension, from the prior, before any message: (latent_dim,)."""
        prior = self.run.model.prior(len(z_mean), labels_for(self.run, self.data))
        return kl_per_dimension(z_mean, z_log_var, *prior)

    def _check_rows(self, n):
        if len(self.data.x) != n:
            raise DataError(
                f"{self.run.config['data']}: this run was trained on {n} rows, and now "
                f"there are {len(self.data.x)}; give back the data as they were."
            )

    def _check_finite(self, latents):
        if not all(np.isfinite(z).all() for z in latents):
            raise DataError(
                f"{self.run.path}: its latents are not all finite numbers, so that its "
                "training has failed; train again, with a smaller --learning-rate."
            )

    @property
    def is_conditional(self):
        return self.run.model.is_conditional


def limits(latents):
    """What the sliders span: all latents, and three standard deviations of N(0, I)."""
    low = np.min([z.min(axis=0) for z in latents], axis=0)
    high = np.max([z.max(axis=0) for z in latents], axis=0)
    tenths = np.floor(10 * np.minimum(low, -3)), np.ceil(10 * np.maximum(high, 3))
    return tenths[0] / 10, tenths[1] / 10


def extent(points):
    """The ends, of x and of y, that leave out 0.2 % of the points on each side."""
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    margin = 0.08 * (high - low) + 1e-6
    return tuple(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))

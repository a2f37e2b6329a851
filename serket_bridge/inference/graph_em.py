"""EM that starts from classes of a graph of nearest neighbours.

Of many starts the one with the highest likelihood is often the worse sorting of a small
table. One start whose classes follow the graph is better there, and later rounds begin
with the last responsibilities, because the latents move between the rounds.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.cluster import SpectralClustering

from serket_bridge.inference.em import EM, state_of
from serket_bridge.inference.gaussian_mixture import FitResult, GaussianMixture
from serket_bridge.serialization import register


@register
@dataclass(frozen=True)
class GraphEM(EM):
    """`EM` from spectral clustering (scikit-learn's) of the latents.

    The state is the last responsibilities; of another number of rows it has no effect.

    Args:
        neighbors: of each example in the graph.
        restart: as `EM`'s; a new start is a new graph.
        init_subsample: the most rows of the graph; with more, as `EM`'s.
        reg_covar: as `EM`'s, which describes the other arguments too; `n_init`,
            `short_iter` and `n_refine` have no effect.
    """

    neighbors: int = 10
    restart: bool = False
    init_subsample: int = 3000

    def __call__(self, z, log_prior, n_components, state, rng) -> FitResult:
        """Fits K = n_components Gaussians; arguments as `EM`'s."""
        r = None if state is None else state["responsibilities"]
        state = self._state_of(r, z) if r is not None and len(r) == len(z) else None
        fit = super().__call__(z, log_prior, n_components, state, rng)
        r = fit.mixture.responsibilities(z, log_prior)
        return replace(fit, state={"responsibilities": r})

    def _start(self, z, log_prior, n_components, rng, resume):
        classes = self._cluster(z, n_components, int(rng.integers(2**31)))
        start = self._state_of(np.eye(n_components)[classes], z)
        return [resume(z, log_prior, n_components, start)]

    def _cluster(self, z, n_components, seed):
        """The classes of the graph, (n,) int."""
        if n_components in (1, len(z)):  # of which the graph has no eigenvectors
            return np.arange(len(z)) % n_components
        graph = SpectralClustering(
            n_components,
            affinity="nearest_neighbors",
            n_neighbors=min(self.neighbors, len(z) - 1),
            random_state=seed,
        )
        with warnings.catch_warnings():  # a graph of several parts
            warnings.simplefilter("ignore", UserWarning)
            return graph.fit_predict(z)

    def _state_of(self, r, z):
        z = np.asarray(z, np.float64)
        return state_of(GaussianMixture.from_responsibilities(r, z, self.reg_covar))

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

    Args:
        neighbors: of each example in the graph.
        init_subsample: the most rows of the graph; with more, as `EM`'s.
        reg_covar: as `EM`'s, which describes the other arguments too. `n_init`,
            `short_iter`, `n_refine` and `restart` have no effect.
    """

    neighbors: int = 10
    restart: bool = False
    init_subsample: int = 3000

    def __call__(self, z, log_prior, n_components, state, rng) -> FitResult:
        """Fits K = n_components Gaussians; arguments as `EM`'s."""
        if state is not None:
            state = self._state_of(state["responsibilities"], z)
        fit = super().__call__(z, log_prior, n_components, state, rng)
        r = fit.mixture.responsibilities(z, log_prior)
        return replace(fit, state={"responsibilities": r})

    def _start(self, z, log_prior, n_components, rng, resume):
        classes = self._cluster(z, n_components, int(rng.integers(2**31)))
        start = self._state_of(np.eye(n_components)[classes], z)
        return [resume(z, log_prior, n_components, start)]

    def _cluster(self, z, n_components, seed):
        """The classes of the graph, (n,) int."""
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

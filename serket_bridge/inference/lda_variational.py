"""Multimodal latent Dirichlet allocation by variational Bayes.

The model is that of `serket_bridge.inference.topics`.
"""

from dataclasses import dataclass

import numpy as np

from serket_bridge.inference.topics import (
    LDAResult,
    Topics,
    expected_word_counts,
    infer_proportions,
    log_likelihood_bound,
)
from serket_bridge.serialization import register


@register
@dataclass(frozen=True)
class VariationalLDA:
    """Variational Bayes (Blei et al. 2003, with q(phi) as in Hoffman et al. 2010).

    The result is that of scikit-learn's `LatentDirichletAllocation`, batch learning.

    Args:
        max_iter: the most iterations of each call.
        n_init: starts in the first round; the one with the best bound continues.
        short_iter: iterations of each start.
        tol: nats per object; the inference ends where the bound gains less.
    """

    max_iter: int = 100
    n_init: int = 10
    short_iter: int = 20
    tol: float = 1e-3

    @classmethod
    def from_iterations(cls, iterations: int, n_init: int | None = None):
        """This many iterations and starts, and defaults for the other arguments."""
        return cls(max_iter=iterations, n_init=n_init or cls.n_init)

    def __call__(self, counts, prior, beta, state, rng) -> LDAResult:
        """q(phi); arguments as `CollapsedGibbs`'s (`lda_gibbs`)."""
        model = counts, prior, beta
        if state is None:
            shape = prior.shape[1], counts.matrix.shape[1]
            starts = [rng.gamma(100.0, 0.01, shape) for _ in range(self.n_init)]
            fits = [self._iterate(*model, start, self.short_iter) for start in starts]
            start = max(fits, key=lambda fit: fit.bound).topics.concentrations
        else:
            start = state["concentrations"]
        return self._iterate(*model, start, self.max_iter)

    def _iterate(self, counts, prior, beta, concentrations, max_iter):
        topics, gamma, bound = Topics(concentrations, counts.sizes), None, -np.inf
        for _ in range(max_iter):
            phi, last = topics.geometric_mean(), bound
            gamma = infer_proportions(counts, phi, prior, gamma)
            words = expected_word_counts(counts, phi, gamma)
            bound = log_likelihood_bound(counts, phi, prior, gamma).sum()
            bound = (bound - topics.divergence(beta)) / len(counts)
            topics = Topics(words + beta, counts.sizes)
            if bound - last < self.tol:
                break
        state = {"concentrations": topics.concentrations}
        return LDAResult(topics, float(bound), state)

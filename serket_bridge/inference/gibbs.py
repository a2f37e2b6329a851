"""Gaussian mixtures by Gibbs sampling, vectorised over the examples.

Serket's model: z_n | c_n = k ~ N(m_k, L_k^-1), with one Normal-Wishart prior for all k,

    L_k ~ Wishart(nu_0, S_0^-1),   m_k | L_k ~ N(m_0, (r_0 L_k)^-1),

r_0 = 1, nu_0 = D + 2, m_0 the mean of z and S_0 = scale * I, and, unlike Serket,
weights ~ Dirichlet(concentration), so that an empty class, which draws its parameters
from the prior, can recover where the prior is about as wide as the groups of z. One
sweep draws the parameters given all classes, then all classes given the parameters
(Murphy 2007, "Conjugate Bayesian analysis of the Gaussian distribution", 8).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, multigammaln
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import pairwise_distances_argmin

from serket_bridge.inference.gaussian_mixture import FitResult, GaussianMixture
from serket_bridge.serialization import register


@dataclass(frozen=True, eq=False)
class NormalWishart:
    """Of K classes: r, nu: (K,), m: (K, D), S: (K, D, D); or a prior without K."""

    r: np.ndarray
    nu: np.ndarray
    m: np.ndarray
    S: np.ndarray

    def posterior(self, z, classes, n_components):
        """The posterior of every class given its members, (n,) int, in z, (n, D)."""
        centred = z - self.m  # about m_0, so that nothing cancels
        members = [centred[classes == k] for k in range(n_components)]
        counts = np.array([len(x) for x in members])
        r, nu = self.r + counts, self.nu + counts
        shift = np.stack([x.sum(axis=0) for x in members]) / r[:, None]  # m - m_0
        scatter = np.stack([x.T @ x for x in members])
        # S_0 + sum_n z z' + r_0 m_0 m_0' - r m m', with m_0 as the origin
        S = self.S + scatter - np.einsum("k,ki,kj->kij", r, shift, shift)
        return NormalWishart(r, nu, self.m + shift, S)

    def log_normaliser(self):
        """log Z(r, nu, S) up to terms in D alone: (K,) or a scalar."""
        dim = self.m.shape[-1]
        log_det = np.linalg.slogdet(self.S)[1]
        log_gamma = np.vectorize(multigammaln)(self.nu / 2, dim)
        log_2 = 0.5 * self.nu * dim * np.log(2.0)
        return log_gamma + log_2 - 0.5 * self.nu * log_det - 0.5 * dim * np.log(self.r)

    def sample(self, rng):
        """Draws (means, precisions) of every class: (K, D), (K, D, D).

        Bartlett (1933): if A is lower triangular, A_ii^2 ~ chi-square(nu - i), i from
        0, A_ij ~ N(0, 1), and C C' = S^-1, then L = C A A' C' ~ Wishart(nu, S^-1).
        """
        dim = self.m.shape[1]
        A = np.tril(rng.standard_normal(self.S.shape), -1)
        chi_square = rng.chisquare(self.nu[:, None] - np.arange(dim))
        A[:, np.arange(dim), np.arange(dim)] = np.sqrt(chi_square)
        C = np.linalg.inv(np.linalg.cholesky(self.S)).swapaxes(1, 2)
        factors = C @ A  # precision L = F F', so F'^-1 noise ~ N(0, L^-1)
        transposed = factors.swapaxes(1, 2)
        noise = rng.standard_normal((*self.m.shape, 1))
        offsets = np.linalg.solve(transposed, noise)[..., 0]
        return self.m + offsets / np.sqrt(self.r)[:, None], factors @ transposed

    def expectation(self):
        """The posterior means of m_k and L_k: (K, D), (K, D, D)."""
        inverse_factors = np.linalg.inv(np.linalg.cholesky(self.S))
        # C' C = S^-1, and positive definite where inv(S) is so no longer
        inverses = np.swapaxes(inverse_factors, 1, 2) @ inverse_factors
        return self.m, self.nu[:, None, None] * inverses


def log_marginal(z, classes, n_components, prior, concentration, log_prior):
    """log p(z, classes), parameters integrated out, plus log_prior at the classes."""
    n, dim = z.shape
    posterior = prior.posterior(z, classes, n_components)
    gain = posterior.log_normaliser() - prior.log_normaliser()
    log_likelihood = gain.sum() - 0.5 * n * dim * np.log(2 * np.pi)
    counts = np.bincount(classes, minlength=n_components)
    total = n_components * concentration
    log_classes = gammaln(total) - gammaln(total + n)
    log_classes += np.sum(gammaln(concentration + counts) - gammaln(concentration))
    message = log_prior[np.arange(n), classes].sum()
    return log_likelihood + log_classes + message


def sweep(z, classes, n_components, prior, concentration, log_prior, rng, times=1):
    """Draws all parameters given the classes, then all classes: (n,) int."""
    for _ in range(times):
        counts = np.bincount(classes, minlength=n_components)
        weights = rng.dirichlet(concentration + counts)
        parameters = prior.posterior(z, classes, n_components).sample(rng)
        log_joint = GaussianMixture(weights, *parameters).log_joint(z) + log_prior
        # the largest after standard Gumbel noise, -log of an exponential, is a draw
        noise = -np.log(rng.standard_exponential(log_joint.shape))
        classes = np.argmax(log_joint + noise, axis=1)
    return classes


@register
@dataclass(frozen=True)
class Gibbs:
    """Blocked Gibbs sampling of classes and parameters.

    Args:
        sweeps: the number for each call (Serket's `itr`).
        n_init: chains in the first round, each from k-means++ centres. The one whose
            last sample has the highest log p(z, classes) continues for all `sweeps`.
        short_iter: sweeps of each chain in the first round.
        scale: S_0 = scale * I, in squared units of z (Serket: 0.1).
        concentration: of the Dirichlet prior of the weights, for each class.
    """

    sweeps: int = 100
    n_init: int = 5
    short_iter: int = 30
    scale: float = 0.1
    concentration: float = 1.0

    @classmethod
    def from_iterations(cls, iterations: int, n_init: int | None = None):
        """This many sweeps and chains, and defaults for the other arguments."""
        return cls(sweeps=iterations, n_init=n_init or cls.n_init)

    def __call__(self, z, log_prior, n_components, state, rng) -> FitResult:
        """The posterior mean of the parameters given the last classes; as `EM`.

        Raises:
            ValueError: a precision is singular: `scale` is far below the variance of z.
        """
        try:
            fit = self._fit(z, log_prior, n_components, state, rng)
            np.linalg.cholesky(fit.mixture.precisions)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"scale must not be far below the variance of z, {z.var():.3g}. "
                f"Received: scale={self.scale}"
            ) from error
        return fit

    def _fit(self, z, log_prior, n_components, state, rng):
        dim = z.shape[1]
        prior = NormalWishart(1.0, dim + 2.0, z.mean(axis=0), self.scale * np.eye(dim))
        model = (n_components, prior, self.concentration, log_prior)
        if state is None:
            chains = []
            for _ in range(self.n_init):
                seed = int(rng.integers(2**31))
                centres, _ = kmeans_plusplus(z, n_components, random_state=seed)
                classes = pairwise_distances_argmin(z, centres)
                chains.append(sweep(z, classes, *model, rng, self.short_iter))
            classes = max(chains, key=lambda classes: log_marginal(z, classes, *model))
        else:
            classes = state["classes"]
        classes = sweep(z, classes, *model, rng, self.sweeps)
        bound = log_marginal(z, classes, *model) / len(z)
        means, precisions = prior.posterior(z, classes, n_components).expectation()
        counts = self.concentration + np.bincount(classes, minlength=n_components)
        mixture = GaussianMixture(counts / counts.sum(), means, precisions)
        return FitResult(mixture, bound, {"classes": classes})

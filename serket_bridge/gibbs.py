"""Gaussian mixtures by Gibbs sampling, vectorised over the data.

Serket's model: z_n | c_n = k ~ N(m_k, L_k^-1), with one Normal-Wishart prior for the
(m_k, L_k) of all classes,

    L_k ~ Wishart(nu_0, S_0^-1),   m_k | L_k ~ N(m_0, (r_0 L_k)^-1),

r_0 = 1, nu_0 = D + 2, m_0 the mean of the data and S_0 = scale * I, and, unlike
Serket, weights ~ Dirichlet(concentration), so that an empty class can come back.
One sweep draws the parameters given all classes, then all classes given the parameters
(formulas: Murphy 2007, "Conjugate Bayesian analysis of the Gaussian distribution", 8).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, multigammaln
from scipy.stats import wishart
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import pairwise_distances_argmin

from serket_bridge.mixture import Fit, Mixture


@dataclass(frozen=True, eq=False)
class NormalWishart:
    """r: (K,), nu: (K,), m: (K, D), S: (K, D, D), or one prior without the axis K."""

    r: np.ndarray
    nu: np.ndarray
    m: np.ndarray
    S: np.ndarray

    def posterior(self, z, classes, n_components):
        """The posterior of every class given its members; this is the one prior."""
        one_hot = np.eye(n_components)[classes]  # (n, K)
        counts = one_hot.sum(axis=0)
        r, nu = self.r + counts, self.nu + counts
        m = (self.r * self.m + one_hot.T @ z) / r[:, None]
        # S_0 + sum_n z z' + r_0 m_0 m_0' - r m m', about m_0 so that nothing cancels
        centred, shift = z - self.m, m - self.m
        scatter = np.einsum("nk,ni,nj->kij", one_hot, centred, centred, optimize=True)
        outer = np.einsum("k,ki,kj->kij", r, shift, shift)
        return NormalWishart(r, nu, m, self.S + scatter - outer)

    def log_normaliser(self):
        """log of the constant Z(r, nu, S) up to terms in D alone: (K,) or a scalar."""
        dim = self.m.shape[-1]
        log_det = np.linalg.slogdet(self.S)[1]
        log_gamma = multigammaln_each(self.nu / 2, dim)
        log_2 = 0.5 * self.nu * dim * np.log(2.0)
        return log_gamma + log_2 - 0.5 * self.nu * log_det - 0.5 * dim * np.log(self.r)

    def sample(self, rng):
        """Draws (means, precisions) of every class: (K, D), (K, D, D)."""
        precisions = np.stack(
            [
                np.atleast_2d(wishart.rvs(nu, np.linalg.inv(S), random_state=rng))
                for nu, S in zip(self.nu, self.S, strict=True)
            ]
        )
        factors = np.linalg.cholesky(precisions * self.r[:, None, None])
        noise = rng.standard_normal((*self.m.shape, 1))
        offsets = np.linalg.solve(np.swapaxes(factors, 1, 2), noise)[..., 0]
        return self.m + offsets, precisions

    def expectation(self):
        """The posterior means of m_k and L_k: (K, D), (K, D, D)."""
        return self.m, self.nu[:, None, None] * np.linalg.inv(self.S)


def multigammaln_each(values, dim):
    """log of the multivariate gamma function, at each of the values."""
    return np.array([multigammaln(v, dim) for v in np.ravel(values)]).reshape(
        np.shape(values)
    )


def log_marginal(z, classes, n_components, prior, concentration, log_prior):
    """log p(z, classes), parameters integrated out; nats in all, not per datum.

    The prior from above, log_prior (n, K), is added at the classes as it stands.
    """
    n, dim = z.shape
    posterior = prior.posterior(z, classes, n_components)
    gain = posterior.log_normaliser() - prior.log_normaliser()
    log_likelihood = gain.sum() - 0.5 * n * dim * np.log(2 * np.pi)
    counts = np.bincount(classes, minlength=n_components)
    total = n_components * concentration
    log_classes = gammaln(total) - gammaln(total + n)
    log_classes += np.sum(gammaln(concentration + counts) - gammaln(concentration))
    above = log_prior[np.arange(n), classes].sum()
    return log_likelihood + log_classes + above


def sweep(z, classes, n_components, prior, concentration, log_prior, rng):
    """One draw of all parameters given the classes, then of all classes: (n,) int."""
    counts = np.bincount(classes, minlength=n_components)
    weights = rng.dirichlet(concentration + counts)
    parameters = prior.posterior(z, classes, n_components).sample(rng)
    log_joint = Mixture(weights, *parameters).log_joint(z) + log_prior
    return np.argmax(log_joint + rng.gumbel(size=log_joint.shape), axis=1)


@dataclass(frozen=True)
class Gibbs:
    """Blocked Gibbs sampling of classes and parameters.

    Args:
        sweeps: for each call (Serket's `itr`).
        n_init: chains in the first round, each from k-means++ centres; the one whose
            last sample has the highest log p(z, classes) goes on.
        scale: S_0 = scale * I, in squared units of z (Serket: 0.1).
        concentration: of the Dirichlet prior of the weights, for each class.
    """

    sweeps: int = 100
    n_init: int = 5
    scale: float = 0.1
    concentration: float = 1.0

    def __call__(self, z, log_prior, n_components, state, rng):
        """Samples; arguments and result as `serket_bridge.mixture.EM`.

        The mixture is the posterior mean of the parameters given the last classes.
        """
        dim = z.shape[1]
        prior = NormalWishart(1.0, dim + 2.0, z.mean(axis=0), self.scale * np.eye(dim))
        model = (n_components, prior, self.concentration, log_prior)
        if state is None:
            starts = [nearest_centres(z, n_components, rng) for _ in range(self.n_init)]
        else:
            starts = [state["classes"]]
        chains = [self._chain(z, start, *model, rng) for start in starts]
        bounds = [log_marginal(z, classes, *model) for classes in chains]
        classes = chains[int(np.argmax(bounds))]
        means, precisions = prior.posterior(z, classes, n_components).expectation()
        counts = self.concentration + np.bincount(classes, minlength=n_components)
        mixture = Mixture(counts / counts.sum(), means, precisions)
        return Fit(mixture, max(bounds) / len(z), {"classes": classes})

    def _chain(self, z, classes, n_components, prior, concentration, log_prior, rng):
        for _ in range(self.sweeps):
            classes = sweep(
                z, classes, n_components, prior, concentration, log_prior, rng
            )
        return classes


def nearest_centres(z, n_components, rng):
    """Classes to start from: the nearest of k-means++'s centres, (n,) int."""
    seed = int(rng.integers(2**31))
    centres, _ = kmeans_plusplus(z, n_components, random_state=seed)
    return pairwise_distances_argmin(z, centres)

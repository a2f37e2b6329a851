"""A Gaussian mixture over the latents: densities, responsibilities and draws."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp


@dataclass(frozen=True, eq=False)
class Mixture:
    """sum_k weights_k N(z; means_k, precisions_k^-1).

    weights: (K,); means: (K, D); precisions: (K, D, D), symmetric, positive definite.
    """

    weights: np.ndarray
    means: np.ndarray
    precisions: np.ndarray

    def log_joint(self, z):
        """log p(z_n, c_n = k), nats: (n, D) -> (n, K)."""
        factors = np.linalg.cholesky(self.precisions)  # L L' = precision
        log_dets = np.log(np.einsum("kdd->kd", factors)).sum(axis=1)
        with np.errstate(divide="ignore"):  # an empty class has log weight -inf
            log_weights = np.log(self.weights)
        constant = -0.5 * self.means.shape[1] * np.log(2 * np.pi)
        distances = [
            np.square((z - mean) @ factor).sum(axis=1)
            for mean, factor in zip(self.means, factors, strict=True)
        ]
        return constant + log_weights + log_dets - 0.5 * np.stack(distances, axis=1)

    def expected_log_joint(self, q):
        """E_q[log p(z_n, c_n = k)], nats, of a `Gaussian` q: (n, K).

        log N(z; m, L^-1) is quadratic in z: its mean is its value at the mean of q,
        less half the trace of L times q's covariance.
        """
        variances = np.asarray(1 / q.precision, np.float64)  # 0 where q is a point
        diagonals = np.einsum("kdd->kd", self.precisions)
        return self.log_joint(q.mean.astype(np.float64)) - 0.5 * variances @ diagonals.T

    def sample(self, k, n, rng):
        """n draws of z from class k: (n, D)."""
        covariance = np.linalg.inv(self.precisions[k])
        return rng.multivariate_normal(self.means[k], covariance, n)

    def log_prob(self, z):
        """log p(z_n), nats: (n, D) -> (n,)."""
        return logsumexp(self.log_joint(z), axis=1)

    def classes(self, z):
        """The class of the highest responsibility: (n, D) -> (n,) int."""
        return self.log_joint(z).argmax(axis=1)

"""The parameters of a Gaussian mixture, and what a fit returns."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """sum_k weights_k N(z; means_k, precisions_k^-1).

    Args:
        weights: (K,).
        means: (K, D).
        precisions: (K, D, D), symmetric and positive definite.
    """

    weights: np.ndarray
    means: np.ndarray
    precisions: np.ndarray

    @classmethod
    def from_responsibilities(cls, r, z, reg_covar: float) -> "GaussianMixture":
        """The M-step: maximum likelihood, given r, (n, K), of z, (n, D)."""
        counts = r.sum(axis=0) + 10 * np.finfo(float).eps  # > 0 for an empty class too
        means = r.T @ z / counts[:, None]
        precisions = []
        for weights, count, mean in zip(r.T, counts, means, strict=True):
            covariance = (weights[:, None] * (z - mean)).T @ (z - mean) / count
            precisions.append(
                np.linalg.inv(covariance + reg_covar * np.eye(z.shape[1]))
            )
        return cls(counts / counts.sum(), means, np.stack(precisions))

    def responsibilities(self, z, log_prior=0.0) -> np.ndarray:
        """p(c_n = k | z_n), (n, K); log_prior: (n, K), nats."""
        return softmax(self.log_joint(z) + log_prior, axis=1)

    def widened(self, r: np.ndarray, variances: np.ndarray) -> "GaussianMixture":
        """The mixture with the mean variance of each class's rows in its covariance.

        Of a mixture that was fitted to the means of q(z_n) it makes that of q itself:
        the M-step for both moments, S_k = sum_n r_nk [(m_n - m_k)(m_n - m_k)' + V_n] /
        sum_n r_nk. r: (n, K); variances: the diagonals of V_n, (n, D).
        """
        counts = r.sum(axis=0) + 10 * np.finfo(float).eps
        added = r.T @ variances / counts[:, None]
        covariances = np.linalg.inv(self.precisions)
        covariances[:, range(added.shape[1]), range(added.shape[1])] += added
        return replace(self, precisions=np.linalg.inv(covariances))

    def log_joint(self, z: np.ndarray) -> np.ndarray:
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

    def expected_log_joint(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        """E_q[log p(z_n, c_n = k)], (n, K), nats; q = N(mean_n, diag(1 / precision_n)).

        log N(z; m, L^-1) is quadratic in z: its expectation is its value at the mean of
        q, minus half the trace of L times the covariance of q. mean and precision,
        which is infinite where z is known: (n, D).
        """
        variances = np.asarray(1 / precision, np.float64)
        diagonals = np.einsum("kdd->kd", self.precisions)
        return self.log_joint(mean.astype(np.float64)) - 0.5 * variances @ diagonals.T


@dataclass(frozen=True, eq=False)
class FitResult:
    """What an inference returns.

    Args:
        mixture: the parameters.
        bound: what the inference follows, nats per example; no other is comparable.
        state: arrays by name, from which the next call of the same method continues.
    """

    mixture: GaussianMixture
    bound: float
    state: dict

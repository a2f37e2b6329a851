"""The parameters of a Gaussian mixture, and what a fit returns."""

from dataclasses import dataclass

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
    def from_covariances(cls, weights, means, covariances) -> "GaussianMixture":
        """The mixture with these covariances, (K, D, D).

        Raises:
            ValueError: a covariance is not positive definite.
        """
        try:
            factors = np.linalg.inv(np.linalg.cholesky(covariances))
        except np.linalg.LinAlgError:
            raise ValueError(
                "the covariance of a class is not positive definite: use fewer "
                "classes, or a larger reg_covar"
            ) from None
        return cls(weights, means, np.einsum("kji,kjl->kil", factors, factors))

    @classmethod
    def from_responsibilities(cls, r, z, reg_covar: float) -> "GaussianMixture":
        """The M-step: maximum likelihood, given the responsibilities.

        Args:
            r: p(c_n = k), (n, K).
            z: (n, D).
            reg_covar: what is added to the variances.

        Raises:
            ValueError: a covariance is not positive definite.
        """
        counts = _counts(r)
        means = r.T @ z / counts[:, None]
        covariances = np.stack([reg_covar * np.eye(z.shape[1])] * len(means))
        for k, mean in enumerate(means):
            centred = z - mean
            covariances[k] += (r[:, k, None] * centred).T @ centred / counts[k]
        return cls.from_covariances(counts / counts.sum(), means, covariances)

    def responsibilities(self, z, log_prior=0.0) -> np.ndarray:
        """p(c_n = k | z_n), (n, K), of z, (n, D); log_prior: (n, K), nats."""
        return softmax(self.log_joint(z) + log_prior, axis=1)

    def widened(self, r: np.ndarray, variances: np.ndarray) -> "GaussianMixture":
        """The mixture with the mean variance of each class's rows in its covariance.

        Of a mixture that was fitted to the means of q(z_n) it makes that of q itself:
        the M-step for both moments, S_k = sum_n r_nk [(m_n - m_k)(m_n - m_k)' + V_n] /
        sum_n r_nk. r: (n, K); variances: the diagonals of V_n, (n, D).
        """
        added = r.T @ variances / _counts(r)[:, None]
        covariances = np.linalg.inv(self.precisions)
        covariances[:, range(added.shape[1]), range(added.shape[1])] += added
        return self.from_covariances(self.weights, self.means, covariances)

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


def _counts(r):
    """The number of rows of each class, > 0 for an empty one too."""
    return r.sum(axis=0) + 10 * np.finfo(float).eps


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

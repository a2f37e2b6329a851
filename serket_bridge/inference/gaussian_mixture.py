"""The parameters of a Gaussian mixture, and what a fit returns."""

from dataclasses import dataclass

import numpy as np


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

"""Expectation-maximisation of a Gaussian mixture over chunks of rows.

The log of a Gaussian is linear in products of coordinates. With those of a centred row,

    f(z) = (z_i z_j for i <= j, z_i, 1),    F = (D + 1)(D + 2) / 2 of them,

the E-step of a chunk is one matrix product, log p(z_n, c_n = k) = C_k . f(z_n), and the
M-step needs only another, S_k = sum_n r_nk f(z_n). S, (K, F), is float64, and is added
in the order of the chunks, so that the number of threads does not change it. It loses
digits where a class is narrow compared with its distance from the centre: at 10^4
standard deviations 10^-8 of its covariance.
"""

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from serket_bridge.inference.gaussian_mixture import GaussianMixture

ROWS = 2048  # their features stay in the processor's cache up to about D = 16
LOG_ZERO = -1e10  # log of a probability of 0: 0 * -inf would be NaN in a bound


def fit_em(
    z,
    log_prior,
    mixture: GaussianMixture,
    max_iter: int,
    tol: float,
    reg_covar: float,
    rows: int = ROWS,
) -> tuple[GaussianMixture, float, int]:
    """EM from the parameters of `mixture`; the result is scikit-learn's.

    z, (n, D), and log_prior, (n, K), nats, are read in chunks of `rows` rows, and may
    be memory maps. max_iter, tol and reg_covar are as scikit-learn's.

    Returns:
        (mixture, mean log-likelihood before the last M-step, number of iterations).

    Raises:
        ValueError: a covariance is not positive definite.
    """
    bound, iteration, change = -np.inf, 0, np.inf
    while iteration < max_iter and change >= tol:
        iteration += 1
        centre = mixture.weights @ mixture.means
        sums, log_likelihood = e_step(z, log_prior, mixture, centre, rows)
        mixture = m_step(sums, centre, reg_covar)
        last, bound = bound, log_likelihood / len(z)
        change = abs(bound - last)
    return mixture, bound, iteration


def e_step(z, log_prior, mixture, centre, rows=ROWS) -> tuple[np.ndarray, float]:
    """S, (K, F), and the log-likelihood in nats, which includes the message, of z."""
    C = coefficients(mixture, centre)

    def chunk(first):
        part = slice(first, first + rows)
        f = features_of(np.asarray(z[part], np.float64) - centre)
        log_joint = C @ f
        log_joint += np.maximum(np.asarray(log_prior[part], np.float64), LOG_ZERO).T
        best = log_joint.max(axis=0)
        r = np.exp(log_joint - best)
        total = r.sum(axis=0)
        r /= total
        return r @ f.T, float(np.sum(best + np.log(total)))

    sums, log_likelihood = np.zeros_like(C), 0.0
    with threadpool_limits(1), ThreadPoolExecutor(joblib.cpu_count()) as pool:
        for chunk_sum, chunk_log_likelihood in pool.map(chunk, range(0, len(z), rows)):
            sums += chunk_sum
            log_likelihood += chunk_log_likelihood
    return sums, log_likelihood


def features_of(z: np.ndarray) -> np.ndarray:
    """f(z) of each row, (n, D) -> (F, n)."""
    n, dim = z.shape
    across = np.ascontiguousarray(z.T)
    f = np.empty(((dim + 1) * (dim + 2) // 2, n))
    first = 0
    for i in range(dim):
        last = first + dim - i
        np.multiply(across[i:], across[i], out=f[first:last])
        first = last
    f[first:-1], f[-1] = across, 1.0
    return f


def coefficients(mixture: GaussianMixture, centre: np.ndarray) -> np.ndarray:
    """C, (K, F): log p(z, c = k) = C_k . f(z - centre), nats."""
    means, precisions = mixture.means - centre, mixture.precisions
    dim = means.shape[1]
    i, j = np.triu_indices(dim)
    squares = precisions[:, i, j] * np.where(i == j, -0.5, -1.0)
    linear = np.einsum("kij,kj->ki", precisions, means)
    with np.errstate(divide="ignore"):  # an empty class has log weight -inf
        constant = np.maximum(np.log(mixture.weights), LOG_ZERO)
    constant = constant + 0.5 * np.linalg.slogdet(precisions)[1]
    constant -= 0.5 * dim * np.log(2 * np.pi) + 0.5 * np.sum(linear * means, axis=1)
    return np.concatenate([squares, linear, constant[:, None]], axis=1)


def m_step(sums, centre, reg_covar: float) -> GaussianMixture:
    """The mixture of S, (K, F); ValueError if a covariance is not positive definite."""
    dim = len(centre)
    n = sums[:, -1] + 10 * np.finfo(float).eps  # > 0 for an empty class too
    means = sums[:, -1 - dim : -1] / n[:, None]
    covariances = np.empty((len(n), dim, dim))
    i, j = np.triu_indices(dim)
    covariances[:, i, j] = sums[:, : len(i)] / n[:, None]
    covariances[:, j, i] = covariances[:, i, j]
    covariances -= np.einsum("ki,kj->kij", means, means)
    covariances[:, range(dim), range(dim)] += reg_covar
    weights, means = n / n.sum(), means + centre
    return GaussianMixture.from_covariances(weights, means, covariances)

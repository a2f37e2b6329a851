"""Expectation-maximisation of a Gaussian mixture over chunks of rows.

The log of a Gaussian is linear in the products of z's coordinates, and the M-step needs
nothing but their sums. So with the features of a centred row,

    f(z) = (z_i z_j for i <= j, z_i, 1),    F = (D + 1)(D + 2) / 2 of them,

the E-step of a chunk is one matrix product, log p(z_n, c_n = k) = C_k . f(z_n), and the
sums of the M-step another, S_k = sum_n r_nk f(z_n): N_k, sum r z and sum r z z' in one.
What is kept of a pass over all rows is S, (K, F). The sums are float64, and added in
the order of the chunks, so that the result depends on neither threads nor luck.

Products of coordinates lose digits where a class is narrow beside its distance from the
centre: at 10^4 standard deviations 10^-8 of its covariance.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from models.evaluation.mixture import Mixture

ROWS = 2048  # their features stay in the processor's cache up to about D = 16
NEVER = -1e10  # log of a probability of 0: 0 * -inf would be NaN in a bound


@dataclass(frozen=True, eq=False)
class Sums:
    """What one pass over all rows leaves.

    features: (K, F), sum_n r_nk f(z_n - centre). log_likelihood: of all rows, in nats,
    the message from above included.
    """

    features: np.ndarray
    log_likelihood: float


def maximise(z, log_prior, mixture, max_iter, tol, reg_covar, rows=ROWS):
    """EM from these parameters: (mixture, bound, iterations), as scikit-learn's.

    z: (n, D), and log_prior: (n, K), nats, are read as z[first:last], a chunk of `rows`
    at a time: memory maps, or anything else with a length and slices.
    It ends after `max_iter` passes, or when the bound, the mean log-likelihood before
    the last M-step, changes by less than `tol` nats per datum. `reg_covar` is added to
    the variances.
    """
    bound, iteration, change = -np.inf, 0, np.inf
    while iteration < max_iter and change >= tol:
        iteration += 1
        centre = mixture.weights @ mixture.means
        sums = expect(z, log_prior, mixture, centre, rows)
        mixture = maximum(sums.features, centre, reg_covar)
        last, bound = bound, sums.log_likelihood / len(z)
        change = abs(bound - last)
    return mixture, bound, iteration


def expect(z, log_prior, mixture, centre, rows=ROWS):
    """The E-step: the `Sums` of all chunks, two or more of them at work at a time."""
    slopes = coefficients(mixture, centre)

    def chunk(first):
        part = slice(first, first + rows)
        return sums_of(z[part], log_prior[part], slopes, centre)

    features, log_likelihood = np.zeros_like(slopes), 0.0
    with threadpool_limits(1), ThreadPoolExecutor(joblib.cpu_count()) as pool:
        for sums in pool.map(chunk, range(0, len(z), rows)):
            features += sums.features
            log_likelihood += sums.log_likelihood
    return Sums(features, log_likelihood)


def sums_of(z, log_prior, slopes, centre):
    """The `Sums` of one chunk."""
    f = features_of(np.asarray(z, np.float64) - centre)
    log_joint = slopes @ f
    log_joint += np.maximum(np.asarray(log_prior, np.float64), NEVER).T
    best = log_joint.max(axis=0)
    r = np.exp(log_joint - best)
    total = r.sum(axis=0)
    r /= total
    return Sums(r @ f.T, float(np.sum(best + np.log(total))))


def features_of(z):
    """f(z) of each row, (n, D) -> (F, n)."""
    n, dim = z.shape
    across = np.ascontiguousarray(z.T)
    f = np.empty((n_features(dim), n))
    first = 0
    for i in range(dim):
        last = first + dim - i
        np.multiply(across[i:], across[i], out=f[first:last])
        first = last
    f[first:-1], f[-1] = across, 1.0
    return f


def n_features(dim):
    return (dim + 1) * (dim + 2) // 2


def coefficients(mixture, centre):
    """C, (K, F): log p(z, c = k) = C_k . f(z - centre), nats."""
    means, precisions = mixture.means - centre, mixture.precisions
    dim = means.shape[1]
    i, j = np.triu_indices(dim)
    squares = precisions[:, i, j] * np.where(i == j, -0.5, -1.0)
    linear = np.einsum("kij,kj->ki", precisions, means)
    with np.errstate(divide="ignore"):  # an empty class has log weight -inf
        constant = np.maximum(np.log(mixture.weights), NEVER)
    constant = constant + 0.5 * np.linalg.slogdet(precisions)[1]
    constant -= 0.5 * dim * np.log(2 * np.pi) + 0.5 * np.sum(linear * means, axis=1)
    return np.concatenate([squares, linear, constant[:, None]], axis=1)


def maximum(features, centre, reg_covar):
    """The M-step: the mixture of these sums, (K, F).

    Raises ValueError where a covariance is not positive definite.
    """
    dim = len(centre)
    n = (
        features[:, -1] + 10 * np.finfo(float).eps
    )  # an empty class divides by something
    means = features[:, -1 - dim : -1] / n[:, None]
    covariances = np.empty((len(n), dim, dim))
    i, j = np.triu_indices(dim)
    covariances[:, i, j] = features[:, : len(i)] / n[:, None]
    covariances[:, j, i] = covariances[:, i, j]
    covariances -= np.einsum("ki,kj->kij", means, means)
    covariances[:, range(dim), range(dim)] += reg_covar
    try:
        factors = np.linalg.inv(np.linalg.cholesky(covariances))
    except np.linalg.LinAlgError:
        raise ValueError(
            "a class has a covariance that is not positive definite: take fewer "
            f"classes, or a larger reg_covar. Received: reg_covar={reg_covar}"
        ) from None
    precisions = np.einsum("kji,kjl->kil", factors, factors)
    return Mixture(n / n.sum(), means + centre, precisions)

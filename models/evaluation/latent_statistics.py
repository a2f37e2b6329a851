"""The latents of data: points, relevance of each dimension, centre and scale.

They are defined for any posterior and prior: what only Gaussians have is replaced by
the statistics of the points that represent q(z|x).
"""

from dataclasses import dataclass

import numpy as np
from keras import ops
from scipy.special import softmax

from models.blocks.densities import gaussian_kl

MAX_LOG_VAR = 80.0


@dataclass(frozen=True, eq=False)
class LatentStatistics:
    """The latents of a data set.

    Attributes:
        z: the points that represent q(z|x), (n, latent_dim): its means if Gaussian.
        relevance: of each dimension, (latent_dim,): if q(z|x) and p(z) are Gaussian,
            the mean of KL(q(z_d|x) || p(z_d)) over the data, in nats; otherwise the
            standard deviation of z_d over the data.
        measure: "KL" or "sd", what `relevance` is.
    """

    z: np.ndarray
    relevance: np.ndarray
    measure: str


def encode_statistics(vae, x: np.ndarray, label=None) -> LatentStatistics:
    """The statistics of the latents of x, (n, *input_shape), and the labels if any."""
    return latent_statistics(vae, *encode_points(vae, x, label), label)


def encode_points(vae, x: np.ndarray, label=None) -> tuple:
    """The points of q(z|x), and its z_log_var, or None if it is not Gaussian."""
    if vae.posterior.is_gaussian:
        return vae.encode(x, label)
    return vae.latents(x, label), None


def latent_statistics(vae, z, z_log_var=None, label=None) -> LatentStatistics:
    """The statistics of encoded data, with the prior of the model without a message.

    `z` has the points, (n, latent_dim), `z_log_var` their shape, or is None if q(z|x)
    is not Gaussian; `label` has one for each row, if the model is conditional.
    """
    prior = vae.prior_moments(len(z), label)
    if prior is None or z_log_var is None:
        return LatentStatistics(z, z.std(axis=0), "sd")
    return LatentStatistics(z, kl_per_dimension(z, z_log_var, *prior), "KL")


def latent_scale(vae, z: np.ndarray, label=None) -> tuple[np.ndarray, np.ndarray, str]:
    """(mean, standard deviation, source) of the latent space, the former (latent_dim,).

    The source is "prior", or "latents" if p(z) is not Gaussian: then they are those of
    z, (n, latent_dim), the points of the data. `label` is the one that is decoded, of a
    conditional model.
    """
    prior = vae.prior_moments(1, label)
    if prior is None:
        return z.mean(axis=0), z.std(axis=0), "latents"
    (mean,), (precision,) = prior
    return mean, 1 / np.sqrt(precision), "prior"


def class_probabilities(mixture, z, z_log_var=None) -> np.ndarray:
    """p(c = k) of each row, (n, n_components), prop. to pi_k exp(E_q[log N_k(z)]).

    Args:
        mixture: a scikit-learn `GaussianMixture` with full covariances.
        z: the means of q(z|x), or the points that represent it, (n, latent_dim).
        z_log_var: of a Gaussian q(z|x), (n, latent_dim).
    """
    log_p = np.log(np.maximum(mixture.predict_proba(z), np.finfo(float).tiny))
    if z_log_var is not None:
        diagonals = np.einsum("kdd->kd", mixture.precisions_)
        # of a row far from the training data q may be wider than numbers can be
        variances = np.exp(np.minimum(z_log_var, MAX_LOG_VAR).astype(np.float64))
        log_p = log_p - 0.5 * variances @ diagonals.T
    return softmax(log_p, axis=1)


def latent_information(z_mean, z_log_var) -> float:
    """How many nats z holds of x, if the z of all data were Gaussian.

    0.5 log(det(C + V) / det V), with the covariance C of z_mean over the data and V the
    mean of the diagonal covariances of q(z|x). The arguments are (n, latent_dim).
    """
    variances = np.exp(np.asarray(z_log_var, np.float64)).mean(axis=0)
    covariance = np.atleast_2d(np.cov(z_mean, rowvar=False, bias=True))
    _, log_det = np.linalg.slogdet(covariance + np.diag(variances))
    return float(0.5 * (log_det - np.log(variances).sum()))


def kl_per_dimension(
    z_mean, z_log_var, prior_mean=0.0, prior_precision=1.0
) -> np.ndarray:
    """KL(q(z_d|x) || p(z_d)) in nats, the mean over the data, (latent_dim,).

    The arguments are (n, latent_dim), those of the prior also scalars.
    """
    arrays = np.broadcast_arrays(z_mean, z_log_var, prior_mean, prior_precision)
    columns = (ops.reshape(ops.cast(a, "float32"), (-1, 1)) for a in arrays)
    kl = ops.convert_to_numpy(gaussian_kl(*columns))
    return kl.reshape(arrays[0].shape).mean(axis=0)

"""Scores of latents and of classes: functions of arrays.

How probable the data are is in `models.evaluation.log_likelihood`.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_score,
)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# --- Classes against labels: numbers that no renaming of classes changes --------------


def matching_accuracy(labels, classes):
    """The share of data whose class is matched with their label.

    The matching is one-to-one and the best there is (Kuhn, 1955; SciPy's
    `linear_sum_assignment`); with more classes than labels, or fewer, some stay
    unmatched. labels, classes: (n,), any integers. Returns a number in (0, 1].
    """
    table = contingency_matrix(labels, classes)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def clustering_scores(labels, classes):
    """accuracy, adjusted Rand index and normalised mutual information, by name."""
    labels, classes = np.asarray(labels), np.asarray(classes)
    if labels.ndim != 1 or labels.shape != classes.shape:
        raise ValueError(
            "labels and classes must have one shape, (n,). "
            f"Received: labels {labels.shape}, classes {classes.shape}"
        )
    return {
        "accuracy": matching_accuracy(labels, classes),
        "ari": float(adjusted_rand_score(labels, classes)),
        "nmi": float(normalized_mutual_info_score(labels, classes)),
    }


# --- Latents --------------------------------------------------------------------------


def active_units(z_mean, threshold=0.01):
    """Which dimensions say anything: the variance of E_q[z] over data > threshold.

    Burda et al. (2016), section 5.2. z_mean: (n, latent_dim). Returns bool,
    (latent_dim,).
    """
    return np.var(z_mean, axis=0) > threshold


def kl_per_dimension(z_mean, z_log_var, prior_mean=0.0, prior_precision=1.0):
    """KL(q(z_d|x) || p(z_d)), its mean over the data: (latent_dim,), nats.

    z_mean, z_log_var: (n, latent_dim); the prior's likewise, or scalars.
    """
    from keras.ops import convert_to_numpy

    from models.blocks.densities import gaussian_kl

    arrays = np.broadcast_arrays(z_mean, z_log_var, prior_mean, prior_precision)
    columns = (np.asarray(a, np.float32).reshape(-1, 1) for a in arrays)
    kl = convert_to_numpy(gaussian_kl(*columns))
    return kl.reshape(arrays[0].shape).mean(axis=0)


def mutual_information(z_mean, z_log_var, rng, most=10_000, rows=1000):
    """I(x; z) of the aggregate posterior q(z) = 1/n sum_n q(z|x_n), nats.

    E[log q(z|x) - log q(z)] with one draw of z for each datum (Hoffman and Johnson,
    2016). It cannot exceed log n, and so is too small where it comes near.

    z_mean, z_log_var: (n, latent_dim), of which at most `most` rows, drawn at random,
    are used; rng: a `numpy.random.Generator`; rows: in memory at a time.
    """
    z_mean, z_log_var = (np.asarray(a, np.float64) for a in (z_mean, z_log_var))
    if len(z_mean) > most:
        kept = rng.choice(len(z_mean), most, replace=False)
        z_mean, z_log_var = z_mean[kept], z_log_var[kept]
    noise = rng.standard_normal(z_mean.shape)
    z = z_mean + np.exp(z_log_var / 2) * noise
    # without the -1/2 log 2 pi of each dimension, which both densities have
    own = -0.5 * (noise**2 + z_log_var).sum(axis=1)
    precision = np.exp(-z_log_var)
    constant = -0.5 * (z_mean**2 * precision + z_log_var).sum(axis=1)
    aggregate = []
    for first in range(0, len(z), rows):
        part = z[first : first + rows]
        log_q = part @ (z_mean * precision).T - 0.5 * part**2 @ precision.T + constant
        aggregate.append(logsumexp(log_q, axis=1) - np.log(len(z)))
    return float(np.mean(own - np.concatenate(aggregate)))


def silhouette(z, classes, seed=0, most=5000):
    """How much nearer data are to their own class than to the next, in [-1, 1].

    Rousseeuw (1987), on at most `most` rows; NaN where there is one class.
    """
    if not 2 <= len(np.unique(classes)) < len(z):
        return float("nan")
    size = min(most, len(z))
    return float(silhouette_score(z, classes, sample_size=size, random_state=seed))


# --- What the latents say of the labels -----------------------------------------------


def linear_probe():
    """Logistic regression on standardised latents."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def nearest_neighbours(k=10):
    """The majority of the k nearest latents."""
    return KNeighborsClassifier(k)


def probe_accuracy(probe, z, labels, train=None, folds=5):
    """How often a classifier reads the label off the latents.

    probe: `linear_probe()` or `nearest_neighbours()`, or another of scikit-learn's.
    z, labels: what is scored. train: (z, labels) to learn from; `None` takes the mean
    of a cross-validation on z itself.
    """
    if train is None:
        return float(np.mean(cross_val_score(probe, z, labels, cv=folds)))
    return float(probe.fit(*train).score(z, labels))

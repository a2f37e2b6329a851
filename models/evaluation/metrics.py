"""Scores of classes and of latents.

Everywhere `labels` and `classes` are (n,) integers, and `z`, or the parameters `z_mean`
and `z_log_var` of Gaussian q(z|x), (n, latent_dim).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cluster
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

N_NEIGHBORS = 10


def matching_accuracy(labels: np.ndarray, classes: np.ndarray) -> float:
    """The share of examples whose class is matched to their label.

    The matching is the best one-to-one one (Kuhn, 1955), which may leave some out.
    """
    table = cluster.contingency_matrix(labels, classes)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def clustering_scores(labels: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Accuracy, adjusted Rand index and normalised mutual information, by name.

    Raises ValueError if the shapes are not (n,).
    """
    labels, classes = np.asarray(labels), np.asarray(classes)
    if labels.ndim != 1 or labels.shape != classes.shape:
        raise ValueError(
            "labels and classes must have one shape, (n,). "
            f"Received: labels {labels.shape}, classes {classes.shape}"
        )
    return {
        "accuracy": matching_accuracy(labels, classes),
        "ari": float(cluster.adjusted_rand_score(labels, classes)),
        "nmi": float(cluster.normalized_mutual_info_score(labels, classes)),
    }


def mean_agreement(classes: list[np.ndarray]) -> np.ndarray:
    """How far each of several classifications agrees with the others, (S,).

    The mean over the others of `matching_accuracy`, which does not depend on how the
    classes are numbered: a sign of accuracy that needs no labels.
    """
    shares = np.array([[matching_accuracy(a, b) for a in classes] for b in classes])
    return (shares.sum(axis=1) - 1) / (len(classes) - 1)


def active_units(z_mean: np.ndarray, threshold: float = 0.01) -> np.ndarray:
    """Whether the variance of E_q[z] over the data exceeds a threshold, by dimension.

    Burda et al. (2016), section 5.2.
    """
    return np.var(z_mean, axis=0) > threshold


def mutual_information(
    z_mean: np.ndarray,
    z_log_var: np.ndarray,
    rng: np.random.Generator,
    max_examples: int = 10_000,
    chunk: int = 1000,
) -> float:
    """I(x; z) under the aggregate posterior q(z) = 1/n sum_n q(z|x_n), in nats.

    E[log q(z|x) - log q(z)] with one sample of z for each example (Hoffman and Johnson,
    2016). It cannot exceed log n, and is too low where it comes near. `rng` draws z,
    and the examples if there are more than `max_examples`; `chunk` is a number of them.
    """
    z_mean, z_log_var = (np.asarray(a, np.float64) for a in (z_mean, z_log_var))
    if len(z_mean) > max_examples:
        kept = rng.choice(len(z_mean), max_examples, replace=False)
        z_mean, z_log_var = z_mean[kept], z_log_var[kept]
    noise = rng.standard_normal(z_mean.shape)
    z = z_mean + np.exp(z_log_var / 2) * noise
    # without the -1/2 log 2 pi of each dimension, which both densities have
    own = -0.5 * (noise**2 + z_log_var).sum(axis=1)
    precision = np.exp(-z_log_var)
    constant = -0.5 * (z_mean**2 * precision + z_log_var).sum(axis=1)
    aggregate = []
    for part in np.split(z, range(chunk, len(z), chunk)):
        log_q = part @ (z_mean * precision).T - 0.5 * part**2 @ precision.T + constant
        aggregate.append(logsumexp(log_q, axis=1) - np.log(len(z)))
    return float(np.mean(own - np.concatenate(aggregate)))


def silhouette(
    z: np.ndarray, classes: np.ndarray, seed: int = 0, max_examples: int = 5000
) -> float:
    """How much nearer examples are to their own class than to the next, in [-1, 1].

    Rousseeuw (1987). `seed` selects `max_examples`; NaN if they are of one class, or
    each of its own.
    """
    kept = np.random.RandomState(seed).permutation(len(z))[:max_examples]
    z, classes = z[kept], classes[kept]
    if not 2 <= len(np.unique(classes)) < len(z):
        return float("nan")
    return float(cluster.silhouette_score(z, classes))


def probe_scores(z, labels, train: tuple | None = None) -> dict | None:
    """How often classifiers predict the label from z; `None` with too few examples.

    `linear` is logistic regression on standardised latents, `k_nn` the majority of the
    ten nearest. They are fitted to `train`, (z, labels), at least ten; `None` returns
    the mean of a five-fold cross-validation on z, (n, latent_dim), itself, at least 20.
    """
    fitted = labels if train is None else train[1]
    _, counts = np.unique(fitted, return_counts=True)
    is_few = len(fitted) < N_NEIGHBORS * (2 if train is None else 1)
    if is_few or len(counts) < 2 or (train is None and counts.min() < 5):
        return None
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    probes = {"linear": linear, "k_nn": KNeighborsClassifier(N_NEIGHBORS)}
    scores = {}
    for name, probe in probes.items():
        if train is None:
            scores[name] = float(np.mean(cross_val_score(probe, z, labels, cv=5)))
        else:
            scores[name] = float(probe.fit(*train).score(z, labels))
    return scores


def column_scores(values: np.ndarray, decoded: np.ndarray) -> dict[str, float | None]:
    """How well a column of a table is reconstructed, where it is not empty.

    `rmse`, in the units of the column (of dates in days, with a `unit`), and `r2`, the
    explained share of the variance; for text `right`, the share of right categories.
    `None` where a score is not defined.

    Args:
        values: (n,) numbers, datetime64 or text; NaN, NaT or "" where it is empty.
        decoded: the same from p(x|z), without empty values.
    """
    if values.dtype.kind == "U":
        filled = values != ""
        right = values[filled] == decoded[filled]
        return {"right": float(right.mean()) if filled.any() else None}
    filled = ~np.isnan(values)
    if not filled.any():
        return {"rmse": None, "r2": None}
    values, error = values[filled], values[filled] - decoded[filled]
    deviation, unit = values - values.min(), {}
    if values.dtype.kind == "M":
        error, deviation = (
            each / np.timedelta64(1, "D") for each in (error, deviation)
        )
        unit = {"unit": "days"}
    squared, variance = float(np.mean(error**2)), float(np.var(deviation))
    r2 = 1 - squared / variance if variance > 0 else None
    return {"rmse": float(np.sqrt(squared)), "r2": r2} | unit

"""Gaussian mixtures of the data themselves, without a VAE: a yardstick.

They choose the number of classes where nobody gave it, and show where a table is
explained better without a network.
"""

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import KFold, cross_val_score
from threadpoolctl import threadpool_limits

MAX_ROWS = 3000  # drawn at random, for the number of classes
MAX_AXES, ROWS_PER_AXIS = 10, 20  # principal axes of the rows
MAX_CLASSES, ROWS_PER_CLASS = 20, 5
PATIENCE = 3  # larger numbers that may fail to be better
REG_COVAR = 1e-3  # of data of unit variance


def choose_n_components(x: np.ndarray, seed: int) -> int:
    """The number of classes whose mixture explains held-out rows best.

    The mean log-likelihood of full-covariance mixtures over the principal axes of the
    data, by five-fold cross-validation, for 1, 2, ... classes, until it falls.

    Args:
        x: (n, ...), an array or rows on disk; at most `MAX_ROWS` are used.
        seed: of the rows, the folds and the starts.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(x))[:MAX_ROWS])
    x = np.asarray(x[rows]).reshape(len(rows), -1)
    n_distinct = len(np.unique(x, axis=0))
    most = min(MAX_CLASSES, len(rows) // ROWS_PER_CLASS, n_distinct)
    if most < 2:
        return 1
    n_axes = min(MAX_AXES, x.shape[1], max(1, len(rows) // ROWS_PER_AXIS))
    z = PCA(n_axes, random_state=seed).fit_transform(x)
    z = z / z[:, 0].std()
    folds = KFold(5, shuffle=True, random_state=seed)
    scores = []
    # on small arrays several threads are slower; a fold may have few distinct rows
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for n_classes in range(1, most + 1):
            mixture = _mixture(n_classes, seed)
            scores.append(cross_val_score(mixture, z, cv=folds).mean())
            if len(scores) - np.argmax(scores) > PATIENCE:
                break
    return int(np.argmax(scores)) + 1


def held_out_log_px(
    train: np.ndarray, test: np.ndarray, n_components: int, seed: int
) -> np.ndarray:
    """log p(x) of held-out rows under a mixture of the training rows, (n_test,), nats.

    Args:
        train: the rows that the mixture is fitted to, (n, d), standardised.
        test: (n_test, d).
        n_components: the number of classes, each with a full covariance.
        seed: of the starts.
    """
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = _mixture(min(n_components, len(train)), seed).fit(train)
        return mixture.score_samples(test)


def _mixture(n_components, seed):
    options = {"n_init": 2, "reg_covar": REG_COVAR, "random_state": seed}
    return GaussianMixture(n_components, **options)

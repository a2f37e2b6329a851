"""What a supervised module is given as its target, as an array of one kind."""

import numpy as np

from serket_bridge.checks import require
from serket_bridge.messages import Categorical


def as_classes(message, n_classes: int | None, name: str) -> np.ndarray:
    """A target as log t, (n, n_classes): t are probabilities, or 1 where it is unknown.

    Args:
        message: a `Categorical`; or known labels, (n, 1), -1 where unknown, or rows of
            numbers >= 0, (n, n_classes), which are normalised, all 0 where unknown.
        n_classes: `None` takes it from the target: of labels the largest, plus 1.
        name: of the target, for error messages.

    Raises:
        ValueError: something else, or another number of classes.
    """
    if isinstance(message, Categorical):
        log_t = message.log_prob
    else:
        rule = f"{name} must be labels, (n, 1), or numbers >= 0, (n, n_classes)"
        is_table = message.is_point and message.mean.ndim == 2
        require(is_table, rule, message.mean.shape)
        values, is_label = np.float64(message.mean), message.dim == 1
        values = _one_hot(values, n_classes, name) if is_label else values
        require(np.min(values) >= 0, rule, f"a minimum of {np.min(values)}")
        total = values.sum(axis=1, keepdims=True)
        t = np.divide(values, total, out=np.ones_like(values), where=total > 0)
        with np.errstate(divide="ignore"):
            log_t = np.log(t)
    rule = f"{name} must have {n_classes} classes"
    require(n_classes in (None, log_t.shape[1]), rule, log_t.shape[1])
    return log_t


def _one_hot(labels, n_classes, name):
    """Labels, (n, 1), as rows of the identity matrix, or of zeros where unknown."""
    n_classes = n_classes or int(labels.max()) + 1
    rule = f"{name} must be labels from 0 to {n_classes - 1}, or -1 where it is unknown"
    wrong = labels[~np.isin(labels, np.arange(-1, n_classes))]
    require(not len(wrong), rule, wrong[:1])
    return 1.0 * (labels == np.arange(n_classes))


def as_values(message, n_values: int | None, name: str) -> np.ndarray:
    """A target as known values, (n, n_values): the means of the message.

    Raises:
        ValueError: another number of values.
    """
    mean = message.prob if isinstance(message, Categorical) else message.mean
    mean = np.reshape(mean, (len(message), -1))
    rule = f"{name} must have {n_values} values for each example"
    require(n_values in (None, mean.shape[1]), rule, mean.shape[1])
    return np.float64(mean)

"""Checks of what a model is given: every input by name and shape, a label for each row.

All raise ValueError with the argument, what was expected and what was received.
"""

import math

import keras
import numpy as np

from models.blocks.count_likelihoods import CountLikelihood
from models.blocks.ondisk_array import Rows, wrap_memmap

HINT = (
    ". The model takes a message; prior_mean = 0 and prior_precision = 1 are the "
    "message N(0, I), which has no effect"
)


def checked_inputs(model, x):
    """The arrays by input name, float32; `x` may stand for {"x": x}."""
    expected = {name: tensor.shape[1:] for name, tensor in model.input.items()}
    x = x if isinstance(x, dict) else {"x": x}
    if set(x) != set(expected):
        needs_message = "prior_mean" in expected and "prior_mean" not in x
        raise ValueError(
            f"x must hold the inputs {', '.join(expected)}. "
            f"Received: {', '.join(map(str, x))}" + HINT * needs_message
        )
    x = {name: checked(name, x[name], shape) for name, shape in expected.items()}
    for name in x:
        check_rows(name, x[name], len(x["x"]))
    if model.is_conditional:
        check_label(model, x["label"])
    if isinstance(model.likelihood, CountLikelihood):
        check_counts(model.likelihood, x["x"])
    check_support(model, x["x"])
    return x


def check_support(model, x):
    """Raises ValueError if x, in memory, has values that p(x|z) cannot have."""
    likelihood = model.likelihood
    if isinstance(x, Rows) or not len(x):
        return
    low, high = x.min(), x.max()
    name, received = type(likelihood).__name__, f"Received: {low:g} to {high:g}"
    if likelihood.in_unit_interval and (low < 0 or high > 1):
        raise ValueError(
            f"x must lie in [0, 1] for the likelihood {name}"
            f": scale it, or use likelihood=Gaussian(). {received}"
        )
    if likelihood.is_count and low < 0:
        raise ValueError(
            f"x must be counts >= 0 for the likelihood {name}, which are not "
            f"standardised (--no-standardize). {received}"
        )


def check_counts(likelihood, x):
    """Raises ValueError unless x, in memory, has integers >= 0."""
    if isinstance(x, Rows):
        return
    wrong = x[(x < 0) | (x != np.round(x))]
    if len(wrong):
        raise ValueError(
            "x must be counts, integers >= 0, for the likelihood "
            f"{type(likelihood).__name__}. Received: {wrong[0]:g}"
        )


def checked(name, array, shape):
    """The array, (n, *shape), in Keras's float type; `Rows` stay on disk."""
    array = wrap_memmap(array)
    if not isinstance(array, Rows):
        if not isinstance(array, np.ndarray):  # of which Keras would make a copy
            array = keras.ops.convert_to_numpy(array)
        array = np.asarray(array, dtype=keras.config.floatx())
    if array.shape[1:] != tuple(shape) or array.ndim == 0:
        raise ValueError(
            f"{name} must have the shape (n, {', '.join(map(str, shape))}). "
            f"Received: {array.shape}"
        )
    if not isinstance(array, Rows) and not np.isfinite(array).all():
        row, *place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(
            f"{name} must be finite numbers. Received: {array[(row, *place)]} in row "
            f"{row}, column {', '.join(map(str, place))} (counted from 0)"
        )
    return array


def check_rows(name, array, n):
    """Raises ValueError unless the array has n rows."""
    if len(array) != n:
        raise ValueError(
            f"{name} must have one row for each of the {n} rows of x. "
            f"Received: {len(array)} rows"
        )


def with_label(model, rows, label):
    """The inputs of the encoder or the decoder: rows, or [rows, the label of each].

    label: one for all rows, or one for each.
    """
    if not model.is_conditional:
        if label is not None:
            raise ValueError("label is for conditional models, and this one is not")
        return rows
    shape = model.input["label"].shape[1:]
    if label is None:
        raise ValueError(
            "label must be given, because the model is conditional: one for all rows, "
            f"or one for each, of the shape {shape}. Received: None"
        )
    if np.shape(label) == shape:
        label = np.broadcast_to(label, (len(rows), *shape))
    label = checked("label", label, shape)
    check_rows("label", label, len(rows))
    check_label(model, label)
    return [rows, label]


def check_label(model, label):
    """Raises ValueError unless integer labels are among those that the model knows."""
    for layer in model.encoder.layers:
        n_labels = getattr(layer, "n_labels", None)
        wrong = [] if n_labels is None else np.setdiff1d(label, np.arange(n_labels))
        if len(wrong):
            raise ValueError(
                f"label must be an integer of 0 .. {n_labels - 1}. "
                f"Received: {wrong[0]:g}"
            )


def count_rows(x, validation_split=0.0) -> int | None:
    """How many rows of arrays `fit` trains on; `None` for data sets and generators."""
    x = x.get("x") if isinstance(x, dict) else x
    shape = getattr(x, "shape", None)
    return math.floor(int(shape[0]) * (1.0 - validation_split)) if shape else None

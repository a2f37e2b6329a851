"""What a model is given, checked: every input by name, of its shape, a label a row.

All raise ValueError that names the argument, what was expected and what came.
"""

import math

import keras
import numpy as np

from models.blocks.ondisk_array import Rows, wrap_memmap


def checked_inputs(model, x):
    """The arrays by input name, float32; `x` may stand for {"x": x}."""
    expected = shapes_of(model)
    x = x if isinstance(x, dict) else {"x": x}
    if set(x) != set(expected):
        hint = (
            " The model takes a message; prior_mean = 0 and prior_precision = 1 are "
            "the message N(0, I), which has no effect."
        )
        raise ValueError(
            f"x must hold the inputs {', '.join(expected)}. "
            f"Received: {', '.join(map(str, x))}."
            + (hint if "prior_mean" in expected and "prior_mean" not in x else "")
        )
    x = {name: to_float(x[name]) for name in expected}
    for name, shape in expected.items():
        check_shape(name, x[name], shape)
        if len(x[name]) != len(x["x"]):
            raise ValueError(
                f"{name} must have one row for each of the {len(x['x'])} rows of x."
                f" Received: {len(x[name])} rows"
            )
    if model.is_conditional:
        check_label(model, x["label"], len(x["x"]))
    return x


def count_rows(x, validation_split=0.0) -> int | None:
    """How many rows of arrays `fit` trains on; `None` for data sets and generators."""
    x = x.get("x") if isinstance(x, dict) else x
    shape = getattr(x, "shape", None)
    return math.floor(int(shape[0]) * (1.0 - validation_split)) if shape else None


def with_label(model, rows, label):
    """What the model's halves take: the rows, or [the rows, the label of each]."""
    if not model.is_conditional:
        if label is not None:
            raise ValueError("label is for conditional models, and this one is not")
        return rows
    shape = shapes_of(model)["label"]
    if label is None:
        raise ValueError(
            "label must be given, for the model is conditional: one for all rows "
            f"or one a row, of the shape {shape}. Received: None"
        )
    label = to_float(label)
    if label.shape == shape:
        label = np.broadcast_to(label, (len(rows), *shape))
    check_label(model, label, len(rows))
    return [rows, label]


def check_label(model, label, n):
    """Raises ValueError unless it is one known label for each of n rows."""
    check_shape("label", label, shapes_of(model)["label"])
    if len(label) != n:
        raise ValueError(
            f"label must have one row for each of the {n} rows. "
            f"Received: {len(label)} rows"
        )
    for layer in model.get_layer("encoder").layers:
        if hasattr(layer, "n_labels"):
            wrong = np.setdiff1d(label, np.arange(layer.n_labels))
            if wrong.size:
                raise ValueError(
                    f"label must be an integer of 0 .. {layer.n_labels - 1}. "
                    f"Received: {wrong[0]:g}"
                )


def checked(name, array, shape):
    """The array in Keras's float type, (n, *shape)."""
    array = to_float(array)
    check_shape(name, array, shape)
    return array


def check_shape(name, array, shape):
    """Raises ValueError unless the array is (n, *shape)."""
    if array.shape[1:] != tuple(shape) or array.ndim == 0:
        raise ValueError(
            f"{name} must have the shape (n, {', '.join(map(str, shape))}). "
            f"Received: {array.shape}"
        )


def to_float(array):
    """A NumPy array in Keras's float type, (batch, ...); `Rows` of what is on disk."""
    array = wrap_memmap(array)
    if isinstance(array, Rows):
        return array
    array = keras.ops.convert_to_numpy(array)
    return np.asarray(array, dtype=keras.config.floatx())


def shapes_of(model):
    """The shape of one datum of each input, by name."""
    return {name: tensor.shape[1:] for name, tensor in model.input.items()}

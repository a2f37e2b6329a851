"""The arguments that `VAE.fit` and `VAE.evaluate` pass on to Keras.

Arrays in memory and rows on disk are checked once, here, and replaced by the batches of
`models.training`; every other data set that Keras takes is passed on unchanged.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import keras
import numpy as np

from models.blocks.inputs import checked_inputs
from models.training.batching import sequential_batches, training_batches
from models.training.streaming import contains_on_disk


@contextmanager
def fit_arguments(
    vae: keras.Model,
    x,
    y=None,
    sample_weight=None,
    *,
    validation_split: float = 0.0,
    validation_data=None,
    within_pass: bool = False,
    **others,
) -> Iterator[dict]:
    """The arguments of `keras.Model.fit`, valid within the block.

    All arguments are as Keras's, but for `x`, arrays or rows on disk (n, ...) or a dict
    of them by input name, or any data set that Keras takes. For arrays there are two
    more: `within_pass`, whether they continue in the pass that the steps trained fall
    in, as rows on disk always do; and `place`, a function that puts each array of a
    batch on several devices. `vae.step_batch_size` is set to the rows of a training
    step, or to `None` where the data set decides.

    Raises:
        ValueError: an input is missing, unknown or of a wrong shape, or
            `validation_split` is given for rows on disk or leaves a part empty.
    """
    size = others.get("batch_size")
    arguments = {"validation_batch_size": size, **others}
    with ExitStack() as stack:
        if is_arrays(x):
            data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
            if validation_split and validation_data is None:
                data, validation_data = split_validation(data, validation_split)
            vae.step_batch_size = size or 32
            batches = training_batches(vae, data, within_pass=within_pass, **arguments)
            arguments = stack.enter_context(batches)
        else:
            vae.step_batch_size = None
            arguments |= {"x": x, "y": y, "sample_weight": sample_weight}
            arguments["validation_split"] = validation_split
        if isinstance(validation_data, tuple):
            validation_data = pack_arrays(*validation_data)
            if contains_on_disk(validation_data):
                inputs, *targets = validation_data
                data = (checked_inputs(vae, inputs), *targets)
                size = arguments.pop("validation_batch_size")
                validation_data = stack.enter_context(sequential_batches(data, size))
        yield {**arguments, "validation_data": validation_data}


@contextmanager
def evaluate_arguments(
    vae: keras.Model, x, y=None, sample_weight=None, batch_size: int | None = None
) -> Iterator[dict]:
    """The arguments of `keras.Model.evaluate`, valid within the block.

    Args and Raises: as `fit_arguments`.
    """
    data = (x, y, sample_weight)
    if is_arrays(x):
        data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
    if contains_on_disk(data[0]):
        with sequential_batches(data, batch_size) as batches:
            yield {"x": batches}
    else:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        yield {"x": x, "y": y, "sample_weight": weight, "batch_size": batch_size}


def is_arrays(x) -> bool:
    """Whether x is a structure of arrays, tensors or rows on disk, and no data set."""
    leaves = keras.tree.flatten(x)
    in_memory = all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in leaves)
    return in_memory or contains_on_disk(x)


def pack_arrays(x, y=None, sample_weight=None) -> tuple:
    """(x,), (x, y) or (x, y, sample_weight), without a None among them.

    Keras silently drops sample weights that come without targets. The loss of a VAE
    reads no targets, so the weights themselves take their place.
    """
    if sample_weight is None:
        return (x,) if y is None else (x, y)
    sample_weight = np.asarray(sample_weight, keras.config.floatx())
    return x, sample_weight if y is None else y, sample_weight


def split_validation(arrays, validation_split: float) -> tuple:
    """(training arrays, validation arrays): the last rows are held out, as in Keras."""
    if contains_on_disk(arrays):
        raise ValueError(
            "validation_split must be 0 for data on disk: give validation_data. "
            f"Received: validation_split={validation_split}"
        )
    n_rows = len(keras.tree.flatten(arrays)[0])
    first = math.floor(n_rows * (1.0 - validation_split))
    if not 0 < first < n_rows:
        raise ValueError(
            f"validation_split must leave rows on both sides of {n_rows}. "
            f"Received: validation_split={validation_split}"
        )
    held_out = keras.tree.map_structure(lambda array: array[first:], arrays)
    return keras.tree.map_structure(lambda array: array[:first], arrays), held_out

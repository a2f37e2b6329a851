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
from models.training.batching import training_batches
from models.training.streaming import contains_on_disk, sequential_batches


@contextmanager
def fit_arguments(
    vae: keras.Model,
    x,
    y=None,
    sample_weight=None,
    *,
    batch_size: int | None = None,
    callbacks: list = (),
    shuffle: bool = True,
    validation_split: float = 0.0,
    validation_data=None,
    steps_per_epoch: int | None = None,
    within_pass: bool = False,
    **others,
) -> Iterator[dict]:
    """The arguments of `keras.Model.fit`, valid within the block.

    All arguments are as Keras's, but for `x`, arrays or rows on disk (n, ...) or a dict
    of them by input name, or any data set that Keras takes; and for `within_pass`:
    whether arrays continue in the pass that the steps trained fall in, as rows on disk
    always do. `vae.step_batch_size` is set to the rows of a training step, or to `None`
    where the data set decides.

    Raises:
        ValueError: an input is missing, unknown or of a wrong shape, or
            `validation_split` is given for rows on disk or leaves a part empty.
    """
    others = {"validation_batch_size": batch_size, **others}
    with ExitStack() as stack:
        if is_arrays(x) or contains_on_disk(x):
            data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
            if validation_split and validation_data is None:
                data, validation_data = split_validation(data, validation_split)
            vae.step_batch_size = batch_size or 32
            in_one_loop = others.get("class_weight") is None
            passes = steps_per_epoch, within_pass, in_one_loop
            arguments = stack.enter_context(
                training_batches(vae, data, batch_size, shuffle, callbacks, *passes)
            )
        else:
            vae.step_batch_size = None
            arguments = {"x": x, "y": y, "sample_weight": sample_weight}
            arguments |= {"batch_size": batch_size, "steps_per_epoch": steps_per_epoch}
            arguments |= {"shuffle": shuffle, "callbacks": [*callbacks]}
            arguments["validation_split"] = validation_split
        if isinstance(validation_data, tuple):
            validation_data = pack_arrays(*validation_data)
            if contains_on_disk(validation_data):
                inputs = checked_inputs(vae, validation_data[0])
                size = others.pop("validation_batch_size")
                validation_data = stack.enter_context(
                    sequential_batches((inputs, *validation_data[1:]), size)
                )
        yield {**arguments, "validation_data": validation_data, **others}


@contextmanager
def evaluate_arguments(
    vae: keras.Model, x, y=None, sample_weight=None, batch_size: int | None = None
) -> Iterator[dict]:
    """The arguments of `keras.Model.evaluate`, valid within the block.

    Args and Raises: as `fit_arguments`.
    """
    data = (x, y, sample_weight)
    if is_arrays(x) or contains_on_disk(x):
        data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
    if contains_on_disk(data[0]):
        with sequential_batches(data, batch_size) as batches:
            yield {"x": batches}
    else:
        data = keras.utils.unpack_x_y_sample_weight(data)
        names = ("x", "y", "sample_weight")
        yield {**dict(zip(names, data, strict=True)), "batch_size": batch_size}


def is_arrays(x) -> bool:
    """Whether x is a structure of arrays or tensors, and not a data set."""
    leaves = keras.tree.flatten(x)
    return all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in leaves)


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
    return tuple(
        keras.tree.map_structure(lambda array, rows=rows: array[rows], arrays)
        for rows in (slice(first), slice(first, None))
    )

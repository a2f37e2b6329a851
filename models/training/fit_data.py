"""The arguments that `VAE.fit` and `VAE.evaluate` pass on to Keras.

Arrays in memory and rows on disk are checked once, here, and replaced by the batches of
`models.training`; every other data set that Keras takes is passed on unchanged.
"""

from contextlib import ExitStack, contextmanager

import keras

from models.blocks.inputs import checked_inputs
from models.training.batching import (
    is_arrays,
    pack_arrays,
    split_validation,
    training_batches,
)
from models.training.streaming import contains_on_disk, sequential_batches


@contextmanager
def fit_arguments(
    vae,
    x,
    y=None,
    sample_weight=None,
    *,
    batch_size=None,
    callbacks=(),
    shuffle=True,
    validation_split=0.0,
    validation_data=None,
    steps_per_epoch=None,
    within_pass=False,
    **others,
):
    """The keyword arguments of `keras.Model.fit`, valid within the block.

    Args:
        vae: a compiled VAE; `step_batch_size` is set to the rows of a training step,
            or `None` where they are not known.
        x: arrays or rows on disk (n, ...), or a dict of them by input name; or any data
            set that Keras takes.
        within_pass: whether arrays continue within the pass that the steps trained fall
            in, as rows on disk always do; otherwise a new pass begins.
        others: further arguments of `fit`; the rest are as in Keras.

    Raises:
        ValueError: an input is missing, unknown or of a wrong shape, or
            `validation_split` is given for data on disk or leaves no rows.
    """
    others = {"validation_batch_size": batch_size, **others}
    with ExitStack() as stack:
        if is_arrays(x) or contains_on_disk(x):
            data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
            if validation_split and validation_data is None:
                data, validation_data = split_validation(data, validation_split)
            vae.step_batch_size = batch_size or 32
            has_class_weight = others.get("class_weight") is not None
            batches = training_batches(
                vae,
                data,
                batch_size,
                shuffle,
                list(callbacks),
                steps_per_epoch,
                within_pass,
                in_one_loop=not has_class_weight,
            )
            arguments = stack.enter_context(batches)
        else:
            vae.step_batch_size = None
            arguments = {
                "x": x,
                "y": y,
                "batch_size": batch_size,
                "callbacks": list(callbacks),
                "shuffle": shuffle,
                "sample_weight": sample_weight,
                "steps_per_epoch": steps_per_epoch,
                "validation_split": validation_split,
            }
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
def evaluate_arguments(vae, x, y=None, sample_weight=None, batch_size=None):
    """The keyword arguments of `keras.Model.evaluate`, valid within the block.

    Raises ValueError as `fit_arguments`.
    """
    if contains_on_disk(x):
        data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
        with sequential_batches(data, batch_size) as batches:
            yield {"x": batches}
        return
    if is_arrays(x):
        data = pack_arrays(checked_inputs(vae, x), y, sample_weight)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    arguments = {"x": x, "y": y, "sample_weight": sample_weight}
    yield arguments | {"batch_size": batch_size}

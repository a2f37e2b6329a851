"""When XLA compiles a training step on TensorFlow: on a CPU too, if batches are small.

Keras leaves XLA out where there is no GPU, and for large batches is right: XLA's matrix
products are slower there than TensorFlow's own. The step of a small batch is some fifty
small operations and Adam's passes over all weights, which XLA makes into few: a step
takes half the time at 20 rows, and as long at 128 (`benchmarks/speed.py`).
"""

from contextlib import contextmanager

import keras

MOST_ROWS = 32


def pays(model, n_rows):
    """Whether XLA is to compile training steps on batches of so many rows.

    n_rows: `None` if they are not known. Of a model whose `compile` was told something
    else than "auto", as it was told.
    """
    if model.asked_jit != "auto" or keras.backend.backend() != "tensorflow":
        return model.jit_compile
    return model.jit_compile or (
        n_rows is not None
        and n_rows <= MOST_ROWS
        and not model.run_eagerly
        and model.distribute_strategy.num_replicas_in_sync == 1
        and all(layer.supports_jit for layer in model._flatten_layers())
        and all(len(weight.shape) <= 2 for weight in model.weights)  # no convolution
    )


@contextmanager
def jit(model, is_on):
    """The model's `jit_compile` is this, within."""
    before, model.jit_compile = model.jit_compile, is_on
    try:
        yield
    finally:
        model.jit_compile = before

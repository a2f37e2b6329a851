"""When XLA compiles training steps on TensorFlow: on a CPU too, if batches are small.

Keras leaves XLA out where there is no GPU, and for large batches is right: its matrix
products are slower there than TensorFlow's own. The step of a small batch is some fifty
small operations and Adam's passes over all weights, of which XLA makes few: at 20 rows
a step takes a third of the time, at 256 as much or less (`benchmarks/speed.py`).
"""

from contextlib import contextmanager

import keras
from keras import layers

MOST_ROWS = 256  # of which a step computes, draws of z counted
# Of other layers it is not known that XLA has all their operations, and fast.
KNOWN = {layers.InputLayer, layers.Dense, layers.Flatten, layers.Reshape}
KNOWN |= {layers.Activation, layers.Concatenate, layers.Dropout}


def pays(model, n_rows):
    """Whether XLA is to compile training steps on batches of so many rows.

    n_rows: `None` if they are not known. Of a model whose `compile` was told something
    else than "auto", as it was told.
    """
    if model.asked_jit != "auto" or keras.backend.backend() != "tensorflow":
        return model.jit_compile
    return model.jit_compile or (
        n_rows is not None
        and n_rows * model.get_layer("z").n_samples <= MOST_ROWS
        and not model.run_eagerly
        and model.distribute_strategy.num_replicas_in_sync == 1
        and all(map(is_known, model._flatten_layers()))
        and not is_deterministic()
    )


def is_known(layer):
    """Whether it is one of those above, or of the zoo, and can be compiled."""
    kind = type(layer)
    ours = kind.__module__.startswith("models.blocks.")
    known = ours or kind in KNOWN or isinstance(layer, keras.Model)
    return known and layer.supports_jit


def is_deterministic():
    """Whether TensorFlow was told to be, which Keras does not let XLA see to."""
    from tensorflow.python.framework.config import is_op_determinism_enabled

    return is_op_determinism_enabled()


@contextmanager
def jit(model, is_on):
    """The model's `jit_compile` is this, within."""
    before, model.jit_compile = model.jit_compile, is_on
    try:
        yield
    finally:
        model.jit_compile = before

"""When XLA compiles training steps on TensorFlow: on a CPU too, if batches are small.

Keras leaves XLA out where there is no GPU, and for large batches is right: its products
and its functions of many values are slower there than TensorFlow's own. What it saves
are Adam's passes over all weights, and some fifty calls of small operations. So it pays
where a step has many weights for each of its rows, and then takes up to two thirds off
a step (`benchmarks/speed.py`). On one core it pays from some 4000 on, on two from 1000.
"""

from contextlib import contextmanager

import keras
from keras import layers

MIN_WEIGHTS_PER_ROW = 5000  # at least; draws of z count as rows
# Of other layers it is not known that XLA has all their operations, and fast.
COMPILABLE_LAYERS = {layers.InputLayer, layers.Dense, layers.Flatten, layers.Reshape}
COMPILABLE_LAYERS |= {layers.Activation, layers.Concatenate, layers.Dropout}


def should_jit(model, n_rows):
    """Whether XLA is to compile training steps on batches of so many rows.

    n_rows: `None` if they are not known. Of a model whose `compile` was told something
    else than "auto", as it was told.
    """
    if model.requested_jit != "auto" or keras.backend.backend() != "tensorflow":
        return model.jit_compile
    return model.jit_compile or (
        n_rows is not None
        and weights_per_row(model, n_rows) >= MIN_WEIGHTS_PER_ROW
        and not model.run_eagerly
        and model.distribute_strategy.num_replicas_in_sync == 1
        and all(map(is_compilable, model._flatten_layers()))
        and not is_deterministic()
    )


def weights_per_row(model, n_rows):
    return model.count_params() / (n_rows * model.posterior.n_samples)


def is_compilable(layer):
    """Whether it is one of those above, or of the zoo, and can be compiled."""
    kind = type(layer)
    ours = kind.__module__.startswith("models.")
    known = ours or kind in COMPILABLE_LAYERS or isinstance(layer, keras.Model)
    return known and layer.supports_jit


def is_deterministic():
    """Whether TensorFlow was told to be, which Keras does not let XLA see to."""
    from tensorflow.python.framework.config import is_op_determinism_enabled

    return is_op_determinism_enabled()


@contextmanager
def override_jit_compile(model, is_on):
    """The model's `jit_compile` is this, within."""
    before, model.jit_compile = model.jit_compile, is_on
    try:
        yield
    finally:
        model.jit_compile = before

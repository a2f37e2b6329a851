"""When XLA compiles training steps on TensorFlow: on a CPU too, if batches are small.

Keras does not use XLA without a GPU, which is right for large batches: its matrix
products and its functions of many values are slower there than TensorFlow's own. It
saves the passes of Adam over all weights, and about fifty calls of small operations. So
it pays where a step has many weights per row, and then saves up to two thirds of a step
(`benchmarks/speed.py`): from about 4000 on one core, from 1000 on two.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import layers

MIN_WEIGHTS_PER_ROW = 5000  # each sample of z counts as a row
# XLA has all operations of these layers; of others that is not known.
COMPILABLE_LAYERS = {layers.InputLayer, layers.Dense, layers.Flatten, layers.Reshape}
COMPILABLE_LAYERS |= {layers.Activation, layers.Concatenate, layers.Dropout}


def should_jit(vae: keras.Model, n_rows: int | None) -> bool:
    """Whether XLA compiles training steps on batches of `n_rows` rows.

    What `compile(jit_compile=...)` requested decides, if it is not "auto". `None`: the
    number of rows is not known.
    """
    if vae.requested_jit != "auto" or keras.backend.backend() != "tensorflow":
        return vae.jit_compile
    return vae.jit_compile or (
        n_rows is not None
        and vae.count_params() >= MIN_WEIGHTS_PER_ROW * n_rows * vae.posterior.n_samples
        and not vae.run_eagerly
        and vae.distribute_strategy.num_replicas_in_sync == 1
        and all(map(is_compilable, vae._flatten_layers()))
        and not tensorflow_is_deterministic()
    )


def is_compilable(layer: layers.Layer) -> bool:
    """Whether XLA is known to compile this layer: one of the above, or of this zoo."""
    kind = type(layer)
    ours = kind.__module__.startswith("models.")
    known = ours or kind in COMPILABLE_LAYERS or isinstance(layer, keras.Model)
    return known and layer.supports_jit


def tensorflow_is_deterministic() -> bool:
    """Whether operations must be deterministic, which XLA cannot guarantee."""
    from tensorflow.python.framework.config import is_op_determinism_enabled

    return is_op_determinism_enabled()


@contextmanager
def override_jit_compile(vae: keras.Model, value: bool) -> Iterator[None]:
    """Sets the model's `jit_compile` within the block."""
    before, vae.jit_compile = vae.jit_compile, value
    try:
        yield
    finally:
        vae.jit_compile = before

"""Many training steps in one call, on arrays that lie on the device.

Keras calls a model's train function once for every `steps_per_execution` steps, and
Python makes the batches, one after another. Here the arrays are copied to the device
once, when `fit` begins, and a call receives the row indices of its steps. One compiled
loop, `lax.fori_loop` or `tf.while_loop`, gathers each batch and calls
`model.train_step`, so objective, optimiser and metrics stay Keras's.

This relies on Keras 3.15 in that `fit`

* calls `train_function(state, iterator)` on JAX and `train_function(iterator)` on
  TensorFlow, after `on_train_batch_begin(step)`, and does not advance the iterator;
* reads `steps_per_execution` before `on_train_begin`;
* marks the hooks that `keras.callbacks.Callback` declares by `_is_default`;

and that `train_step(state, data)` on JAX returns (logs, state) and changes nothing.
"""

import functools
import itertools
import math

import keras
import numpy as np
from keras.config import backend

MAX_STEPS_PER_CALL = 64  # more gain nothing, and delay Ctrl-C and the progress bar


class TrainFunction:
    """Keras's train function; or the steps of `queued_batches`, where they are set.

    They are (the `DeviceLoop`, the row indices of each batch) of the next call.
    """

    def __init__(self, model: keras.Model, single_step_function):
        self.single_step_function, self.queued_batches = single_step_function, None
        tensorflow = on_tensorflow_by_xla if model.jit_compile else on_tensorflow
        self.run_steps = {"jax": on_jax, "tensorflow": tensorflow}[backend()](model)

    def __call__(self, *state_and_iterator):
        if self.queued_batches is None:
            return self.single_step_function(*state_and_iterator)
        queued, self.queued_batches = self.queued_batches, None
        return self.run_steps(*state_and_iterator[:-1], *queued)


class DeviceLoop(keras.callbacks.Callback):
    """Copies the arrays to the device, and queues the row indices of each call.

    In a `with` block: the model makes `steps_per_call` steps per call, until training
    begins. (`evaluate` uses that number too, and its compiled function outlives `fit`.)

    Args:
        vae: the model. (`Callback.model` would fetch all weights on JAX.)
        arrays: a structure of arrays (n, ...) with the same n.
        order: their `models.training.batching.EpochPermutation`.
        steps_per_call: an integer.
    """

    def __init__(self, vae: keras.Model, arrays, order, steps_per_call: int):
        super().__init__()
        self.vae, self.order, self.steps_per_call = vae, order, steps_per_call
        first = slice(order.batch_size)
        self.first_batch = keras.tree.map_structure(lambda a: a[first], arrays)
        self.arrays = keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)
        self.steps_per_execution = vae.steps_per_execution

    def __enter__(self):
        self.vae.make_train_function()
        self.vae.steps_per_execution = self.steps_per_call
        return self

    def __exit__(self, *error):
        self.vae.steps_per_execution = self.steps_per_execution

    def placeholder_dataset(self):
        """The data set for Keras, which reads the shapes of a batch from it, no more.

        A generator would make TensorFlow lower malloc's M_TRIM_THRESHOLD for good: the
        mixture then spent two thirds of its time on freed and requested memory.
        """
        if backend() == "tensorflow":
            import tensorflow as tf

            return tf.data.Dataset.from_tensors(self.first_batch).repeat()
        return (self.first_batch for _ in itertools.count())

    def on_train_begin(self, logs=None):
        """Restores the number of steps for which Keras compiles."""
        self.vae.steps_per_execution = self.steps_per_execution

    def on_train_batch_begin(self, batch, logs=None):
        """Queues the batches of a call."""
        rows = self.order.rows[batch : batch + self.steps_per_call]
        self.vae.train_function.queued_batches = self, rows


def on_jax(model):
    """The function (state, loop, rows) -> (logs, state) of the steps of a call."""
    import jax

    def step(arrays, state, rows):
        def gather(array):
            return array.at[rows].get(mode="promise_in_bounds")

        logs, state = model.train_step(state, keras.tree.map_structure(gather, arrays))
        return state, logs

    # On a CPU, JAX 0.10 convolves three to four times slower within a loop.
    has_convolutions = any(len(weight.shape) > 2 for weight in model.weights)
    if has_convolutions and jax.default_backend() == "cpu":
        jitted_step = jax.jit(step, donate_argnums=1)

        def run_one_by_one(state, loop, rows):
            for batch in rows:
                state, logs = jitted_step(loop.arrays, state, batch.astype("int32"))
            return logs, state

        return run_one_by_one

    @functools.partial(jax.jit, donate_argnums=0)
    def steps(state, arrays, rows, n):
        _, shapes = jax.eval_shape(step, arrays, state, rows[0])
        logs = jax.tree.map(lambda log: jax.numpy.zeros(log.shape, log.dtype), shapes)
        return jax.lax.fori_loop(
            0, n, lambda i, carry: step(arrays, carry[0], rows[i]), (state, logs)
        )

    def run_steps(state, loop, rows):
        for padded, n in pad_batches(rows, loop.steps_per_call):
            state, logs = steps(state, loop.arrays, padded, n)
        return logs, state

    return run_steps


def on_tensorflow_by_xla(model):
    """The function (loop, rows) -> logs of the steps of a call.

    XLA compiles the loop, not only its steps: at 20 rows that saves 40 % of the time.
    """
    import tensorflow as tf

    @functools.partial(tf.function, jit_compile=True, autograph=False)
    def steps(arrays, rows, n):
        def body(i):
            model.train_step(
                keras.tree.map_structure(lambda a: tf.gather(a, rows[i]), arrays)
            )
            return [i + 1]

        tf.while_loop(lambda i: i < n, body, [tf.constant(0)])
        return model.get_metrics_result()

    def run_steps(loop, rows):
        for padded, n in pad_batches(rows, loop.steps_per_call):
            logs = steps(loop.arrays, tf.constant(padded), tf.constant(n))
        return logs

    return run_steps


def pad_batches(rows, max_steps):
    """Groups batches of one size: yields (row indices, how many batches).

    The indices, (max_steps, size) int32, are padded with zeros, so that the steps are
    compiled once for each size.
    """
    for size, group in itertools.groupby(rows, len):  # a short batch is its own group
        group = list(group)
        padded = np.zeros((max_steps, size), "int32")
        padded[: len(group)] = group
        yield padded, len(group)


def on_tensorflow(model):
    """As `on_tensorflow_by_xla`, a loop of TensorFlow's own operations."""
    import tensorflow as tf

    step = tf.function(model.train_step, reduce_retracing=True, autograph=False)

    @functools.partial(tf.function, reduce_retracing=True, autograph=False)
    def steps(arrays, rows, ends, n, size):
        def batch(i):
            taken = tf.ensure_shape(rows[ends[i] : ends[i + 1]], (size,))
            return keras.tree.map_structure(lambda a: tf.gather(a, taken), arrays)

        def body(i):
            step(batch(i))
            return [i + 1]

        (last,) = tf.while_loop(lambda i: i < n - 1, body, [tf.constant(0)])
        return step(batch(last))

    def run_steps(loop, rows):
        order, max_steps = loop.order, loop.steps_per_call
        padded = np.zeros(max_steps * order.batch_size, "int32")  # traced once
        padded[: sum(map(len, rows))] = np.concatenate(rows)
        ends = np.zeros(max_steps + 1, "int32")
        ends[1 : len(rows) + 1] = np.cumsum([len(batch) for batch in rows])
        tensors = map(tf.constant, (padded, ends, len(rows)))
        # If all batches are full the graph knows their shape: about 6 % faster.
        all_full = order.n_rows % order.batch_size == 0
        size = order.batch_size if all_full else None
        return steps(loop.arrays, *tensors, size)

    return run_steps


def choose_steps_per_call(model: keras.Model, order, callbacks) -> int:
    """How many steps `fit` makes in one call.

    `compile(steps_per_execution=...)` decides if it is above one; one, if a callback
    needs every step; otherwise calls of about one length, of at most 64 steps.
    """
    if model.steps_per_execution > 1:
        return model.steps_per_execution
    if any(map(needs_every_step, callbacks)):
        return 1
    n_calls = math.ceil(order.steps_per_epoch / MAX_STEPS_PER_CALL)
    return math.ceil(order.steps_per_epoch / n_calls)


def needs_every_step(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback has a hook of its own for steps."""
    if getattr(callback, "save_freq", None) == "epoch":  # Keras's word for: it does not
        return False
    hooks = ("batch_begin", "batch_end", "train_batch_begin", "train_batch_end")
    methods = [getattr(callback, f"on_{hook}") for hook in hooks]
    return not all(hasattr(method, "_is_default") for method in methods)


def is_supported(model: keras.Model) -> bool:
    """Whether the steps of this model can be made in one loop.

    Not on torch, not eagerly, and not where data are distributed to several devices.
    """
    if backend() == "jax":
        return model.jit_compile and keras.distribution.distribution() is None
    if backend() == "tensorflow":
        replicas = model.distribute_strategy.num_replicas_in_sync
        return replicas == 1 and not model.run_eagerly
    return False

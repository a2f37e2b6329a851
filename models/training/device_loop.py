"""Many training steps in one call, on arrays that lie on the device.

Keras calls a model's train function once for every `steps_per_execution` steps, and
Python makes the batches it takes, one after another. Here the arrays go to the device
once, when `fit` begins. A call is told the rows of its steps; one compiled loop, of
`lax.fori_loop` or `tf.while_loop`, gathers each batch and makes a step of it with
`model.train_step`, so that objective, optimiser and metrics stay Keras's.

Of Keras 3.15 it is taken for granted that `fit`

* calls `train_function(state, iterator)` on JAX and `train_function(iterator)` on
  TensorFlow, after `on_train_batch_begin(step)`, and does not itself turn the iterator;
* reads `steps_per_execution` before `on_train_begin`;

and that `train_step(state, data)` on JAX returns (logs, state) and changes nothing.
"""

import functools
import itertools

import keras
import numpy as np

MAX_STEPS_PER_CALL = (
    64  # longer calls gain nothing, and Ctrl-C and the progress bar wait
)


class TrainFunction:
    """Keras's train function; for one call, if a feed has left steps `pending`, those.

    pending: the `DeviceLoop`, and the rows of each batch.
    """

    def __init__(self, model, one_by_one):
        self.one_by_one, self.pending = one_by_one, None
        self.many = {"jax": on_jax, "tensorflow": on_tensorflow}[backend()](model)

    def __call__(self, *state_and_iterator):
        if self.pending is None:
            return self.one_by_one(*state_and_iterator)
        pending, self.pending = self.pending, None
        return self.many(*state_and_iterator[:-1], *pending)


class DeviceLoop(keras.callbacks.Callback):
    """Puts the arrays on the device, and tells the train function the rows to take.

    Within `with`, the model makes `steps_per_call` steps in a call. That ends as
    training begins, for the number holds for `evaluate` too, whose compiled function
    outlives this `fit`.

    Args:
        vae: the model. (`Callback.model` would fetch all weights on JAX.)
        arrays: a structure of arrays of equally many rows.
        order: a `models.training.batching.EpochPermutation` of them.
        steps_per_call: how many.
    """

    def __init__(self, vae, arrays, order, steps_per_call):
        super().__init__()
        self.vae, self.order, self.steps_per_call = vae, order, steps_per_call
        first = slice(order.batch_size)
        self.first_batch = keras.tree.map_structure(lambda a: a[first], arrays)
        self.arrays = keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)
        self.batches, self.rows = order.batches(), []
        self.compiled = vae.steps_per_execution

    def __enter__(self):
        self.vae.make_train_function()
        self.vae.steps_per_execution = self.steps_per_call
        return self

    def __exit__(self, *error):
        self.vae.steps_per_execution = self.compiled

    def placeholder_dataset(self):
        """What Keras is given as data: it learns the shapes from it, and no more.

        A generator would have TensorFlow lower malloc's M_TRIM_THRESHOLD for good:
        freeing and asking again for memory then took two thirds of the mixture's time.
        """
        if backend() == "tensorflow":
            import tensorflow as tf

            return tf.data.Dataset.from_tensors(self.first_batch).repeat()
        return (self.first_batch for _ in itertools.count())

    def on_train_begin(self, logs=None):
        self.vae.steps_per_execution = self.compiled

    def on_epoch_begin(self, epoch, logs=None):
        self.rows = list(itertools.islice(self.batches, self.order.steps_per_epoch))

    def on_train_batch_begin(self, batch, logs=None):
        rows = self.rows[batch : batch + self.steps_per_call]
        self.vae.train_function.pending = self, rows


def on_jax(model):
    """The function (state, feed, rows) -> (logs, state) of these steps."""
    import jax

    def step(arrays, state, rows):
        def gather(array):
            return array.at[rows].get(mode="promise_in_bounds")

        logs, state = model.train_step(state, keras.tree.map_structure(gather, arrays))
        return state, logs

    @functools.partial(jax.jit, donate_argnums=0)
    def steps(state, arrays, rows, n):
        _, shapes = jax.eval_shape(step, arrays, state, rows[0])
        logs = jax.tree.map(lambda log: jax.numpy.zeros(log.shape, log.dtype), shapes)
        return jax.lax.fori_loop(
            0, n, lambda i, carry: step(arrays, carry[0], rows[i]), (state, logs)
        )

    def many(state, feed, rows):
        for padded, n in pad_batches(rows, feed.steps_per_call):
            state, logs = steps(state, feed.arrays, padded, n)
        return logs, state

    one = jax.jit(step, donate_argnums=1)

    def many_alone(state, feed, rows):
        for batch in rows:
            state, logs = one(feed.arrays, state, batch.astype("int32"))
        return logs, state

    return many_alone if is_slow_in_loop(model) else many


def is_slow_in_loop(model):
    """Whether JAX 0.10 takes its slow convolutions: on a CPU, within a loop.

    Three to four times the time of a step; so those steps are called one by one.
    """
    import jax

    has_convolutions = any(len(weight.shape) > 2 for weight in model.weights)
    return has_convolutions and jax.default_backend() == "cpu"


def on_tensorflow(model):
    """The function (feed, rows) -> logs of these steps."""
    return tensorflow_by_xla(model) if model.jit_compile else tensorflow_graph(model)


def tensorflow_by_xla(model):
    """The loop is compiled, not only its steps: at 20 rows that takes 40 % off them."""
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

    def many(feed, rows):
        for padded, n in pad_batches(rows, feed.steps_per_call):
            logs = steps(feed.arrays, tf.constant(padded), tf.constant(n))
        return logs

    return many


def pad_batches(rows, most):
    """(the rows of up to `most` batches, padded to so many; how many) of each size."""
    for size, same in itertools.groupby(rows, len):  # a short batch by itself
        same = list(same)
        padded = np.zeros((most, size), "int32")  # compiled once
        padded[: len(same)] = same
        yield padded, len(same)


def tensorflow_graph(model):
    """A step of TensorFlow's own operations, and a loop of such steps."""
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

    def many(feed, rows):
        order, most = feed.order, feed.steps_per_call
        padded = np.zeros(most * order.batch_size, "int32")  # traced once
        padded[: sum(map(len, rows))] = np.concatenate(rows)
        ends = np.zeros(most + 1, "int32")
        ends[1 : len(rows) + 1] = np.cumsum([len(batch) for batch in rows])
        tensors = map(tf.constant, (padded, ends, len(rows)))
        # Where all batches are full the graph knows their shape: some 6 % faster.
        size = order.batch_size if order.all_full else None
        return steps(feed.arrays, *tensors, size)

    return many


def choose_steps_per_call(model, order, callbacks):
    """How many steps `fit` makes in one call.

    What `compile(steps_per_execution=...)` says, if it says something; one, if a
    callback wants to see every step; else as many as pay, in calls of about one length.
    """
    if model.steps_per_execution > 1:
        return model.steps_per_execution
    if any(map(needs_every_step, callbacks)):
        return 1
    calls = -(-order.steps_per_epoch // MAX_STEPS_PER_CALL)
    return -(-order.steps_per_epoch // calls)


def needs_every_step(callback):
    """Whether a callback does something at a step: has a hook of its own for it."""
    if getattr(callback, "save_freq", None) == "epoch":  # Keras's word: need not see it
        return False
    hooks = ("on_batch_begin", "on_batch_end")
    hooks += ("on_train_batch_begin", "on_train_batch_end")
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(keras.callbacks.Callback, hook)
        for hook in hooks
    )


def is_supported(model):
    """Whether this model's steps can be made in one loop.

    Not on torch, not eagerly, and not where data are spread over several devices.
    """
    if backend() == "jax":
        return model.jit_compile and keras.distribution.distribution() is None
    if backend() == "tensorflow":
        replicas = model.distribute_strategy.num_replicas_in_sync
        return replicas == 1 and not model.run_eagerly
    return False


def backend():
    return keras.backend.backend()

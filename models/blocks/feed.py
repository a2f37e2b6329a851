"""How arrays in memory reach `fit`: in an order of their own, and fast.

Keras 3.15 shuffles arrays in the same order in every epoch on TensorFlow once
`keras.utils.set_random_seed` was called, builds two data iterators an epoch there,
and on all backends the order depends on what else drew random numbers. Here the
order of epoch e is a function of (seed, steps trained before e) and nothing else, so
that a run repeats bit for bit and continues from a saved model as if never stopped.
"""

import math

import keras
import numpy as np


class EpochOrder:
    """The order of the rows, one permutation an epoch.

    Args:
        arrays: a structure of arrays of equally many rows.
        batch_size: `None` is Keras's 32. The last batch may be short.
        seed: an integer.
        steps_trained: a function that tells how many steps the optimiser has made;
            asked once, when the first epoch begins.
    """

    def __init__(self, arrays, batch_size, seed, steps_trained):
        self.n_rows = len(keras.tree.flatten(arrays)[0])
        self.batch_size = batch_size or 32
        self.steps_per_epoch = math.ceil(self.n_rows / self.batch_size)
        self.seed, self.steps_trained, self.steps = seed, steps_trained, None

    def next_epoch(self):
        """The permutation of the next epoch, (n_rows,) int64."""
        if self.steps is None:
            self.steps = self.steps_trained()
        order = np.random.default_rng((self.seed, self.steps)).permutation(self.n_rows)
        self.steps += self.steps_per_epoch
        return order


class Batches(keras.utils.PyDataset):
    """The batches of one epoch after another, for JAX and torch."""

    def __init__(self, arrays, order):
        super().__init__()
        self.arrays, self.order = arrays, order
        self.rows = np.arange(order.n_rows)

    def __len__(self):
        return self.order.steps_per_epoch

    def __getitem__(self, index):
        first = index * self.order.batch_size
        rows = self.rows[first : first + self.order.batch_size]
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)


class NextEpoch(keras.callbacks.Callback):
    """Gives `Batches` its new order when an epoch begins.

    PyDataset's own hook runs once too often, before the first epoch.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.rows = self.batches.order.next_epoch()


def tensorflow_batches(arrays, order):
    """The same batches as an endless `tf.data.Dataset`: one iterator for all epochs.

    The arrays become tensors once; Python is asked for one permutation an epoch.
    """
    import tensorflow as tf

    def orders():
        while True:
            yield order.next_epoch()

    signature = tf.TensorSpec((order.n_rows,), tf.int64)
    tensors = keras.tree.map_structure(tf.convert_to_tensor, arrays)

    size = order.batch_size
    # Where all batches are full the graph knows their shape: some 6 % faster.
    shape = (size if order.n_rows % size == 0 else None,)

    def batches(rows):
        def gather(step):
            batch = tf.ensure_shape(rows[step * size : (step + 1) * size], shape)
            return keras.tree.map_structure(lambda t: tf.gather(t, batch), tensors)

        return tf.data.Dataset.range(order.steps_per_epoch).map(gather)

    options = tf.data.Options()
    options.autotune.enabled = False  # its threads compete with the arithmetic
    options.deterministic = True
    data = tf.data.Dataset.from_generator(orders, output_signature=signature)
    return data.flat_map(batches).prefetch(2).with_options(options)


def is_arrays(x):
    """Whether x is an array or tensor, or a structure of them, and no data set."""
    leaves = keras.tree.flatten(x)
    return all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in leaves)


def pack(x, y=None, sample_weight=None):
    """(x,), (x, y) or (x, y, sample_weight), without a None among them.

    Keras drops sample weights that come without targets, silently. The loss of a VAE
    reads no targets, so the weights themselves stand in.
    """
    if sample_weight is None:
        return (x,) if y is None else (x, y)
    sample_weight = np.asarray(sample_weight, keras.config.floatx())
    return x, sample_weight if y is None else y, sample_weight


def split(arrays, validation_split):
    """Holds out the last rows: (training arrays, validation arrays), as Keras does."""
    n_rows = len(keras.tree.flatten(arrays)[0])
    first = math.floor(n_rows * (1.0 - validation_split))
    if not 0 < first < n_rows:
        raise ValueError(
            f"validation_split must leave rows on both sides of {n_rows}. "
            f"Received: validation_split={validation_split}"
        )

    def part(rows):
        return keras.tree.map_structure(lambda array: array[rows], arrays)

    return part(slice(first)), part(slice(first, None))


def shuffled(arrays, order):
    """What `fit` is given for `arrays`: (keyword arguments, callbacks)."""
    if keras.backend.backend() == "tensorflow":
        data = tensorflow_batches(arrays, order)
        steps = {"steps_per_epoch": order.steps_per_epoch}
        return {"x": data, "shuffle": False, **steps}, []
    data = Batches(arrays, order)
    return {"x": data, "shuffle": False}, [NextEpoch(data)]


def steps_per_execution(n_rows, batch_size, most=128):
    """How many steps to compile into one call: pays on TensorFlow, 1 elsewhere.

    A divisor of the steps of an epoch, since an endless data set has no short end.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    steps = math.ceil(n_rows / batch_size)
    return max(k for k in range(1, min(steps, most) + 1) if steps % k == 0)

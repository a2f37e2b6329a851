"""How arrays in memory reach `fit`: in an order of their own, and fast.

Keras 3.15 shuffles arrays in the same order in every epoch on TensorFlow once
`keras.utils.set_random_seed` was called, builds two data iterators an epoch there,
and on all backends the order depends on what else drew random numbers. Here the
order of epoch e is a function of (seed, steps trained before e) and nothing else, so
that a run repeats bit for bit and continues from a saved model as if never stopped.
With `within_pass` that holds within an epoch too.
"""

import itertools
import math
from contextlib import contextmanager

import keras
import numpy as np

from models.training import device_loop, streaming


class EpochPermutation:
    """The order of the rows, one permutation for each pass over them.

    Args:
        arrays: a structure of arrays of equally many rows.
        batch_size: `None` is Keras's 32. The last batch may be short.
        seed: an integer.
        steps_per_epoch: batches that `fit` calls an epoch; `None` is a whole pass.
        steps_trained: a function that tells how many steps the optimiser has made;
            asked once, when the first epoch begins.
        shuffle: else the rows come as they are.
        within_pass: whether the first epoch goes on in the pass that the steps trained
            fall in, counted from the model's first step; else it begins a pass.
    """

    def __init__(
        self,
        arrays,
        batch_size,
        seed,
        steps_trained,
        steps_per_epoch=None,
        shuffle=True,
        within_pass=False,
    ):
        self.n_rows = len(keras.tree.flatten(arrays)[0])
        self.batch_size = batch_size or 32
        self.steps_per_pass = math.ceil(self.n_rows / self.batch_size)
        self.steps_per_epoch = steps_per_epoch or self.steps_per_pass
        self.seed, self.steps_trained = seed, steps_trained
        self.shuffle, self.within_pass = shuffle, within_pass
        self.all_full = self.n_rows % self.batch_size == 0

    def batches(self):
        """The rows of one batch after another, without end."""
        steps = self.steps_trained()
        skip = steps % self.steps_per_pass if self.within_pass else 0
        for start in itertools.count(steps - skip, self.steps_per_pass):
            order = self.one_pass(start)
            for first in range(skip * self.batch_size, self.n_rows, self.batch_size):
                yield order[first : first + self.batch_size]
            skip = 0

    def one_pass(self, start):
        """The rows, (n_rows,) int64, of the pass that begins after `start` steps."""
        rng = np.random.default_rng((self.seed, start))
        return (rng.permutation if self.shuffle else np.arange)(self.n_rows)


class PermutedDataset(keras.utils.PyDataset):
    """The batches of one epoch after another, where steps are made one by one."""

    def __init__(self, arrays, order):
        super().__init__()
        self.arrays, self.order = arrays, order
        self.batches = order.batches()
        self.rows = [np.arange(order.batch_size)] * order.steps_per_epoch

    def next_epoch(self):
        self.rows = list(itertools.islice(self.batches, self.order.steps_per_epoch))

    def __len__(self):
        return self.order.steps_per_epoch

    def __getitem__(self, index):
        rows = self.rows[index]
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)


class StartEpoch(keras.callbacks.Callback):
    """Gives `PermutedDataset` its new order when an epoch begins.

    PyDataset's own hook runs once too often, before the first epoch.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.next_epoch()


def is_arrays(x):
    """Whether x is an array or tensor, or a structure of them, and no data set."""
    leaves = keras.tree.flatten(x)
    return all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in leaves)


def pack_arrays(x, y=None, sample_weight=None):
    """(x,), (x, y) or (x, y, sample_weight), without a None among them.

    Keras drops sample weights that come without targets, silently. The loss of a VAE
    reads no targets, so the weights themselves stand in.
    """
    if sample_weight is None:
        return (x,) if y is None else (x, y)
    sample_weight = np.asarray(sample_weight, keras.config.floatx())
    return x, sample_weight if y is None else y, sample_weight


def split_validation(arrays, validation_split):
    """Holds out the last rows: (training arrays, validation arrays), as Keras does."""
    if streaming.contains_on_disk(arrays):
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

    def part(rows):
        return keras.tree.map_structure(lambda array: array[rows], arrays)

    return part(slice(first)), part(slice(first, None))


@contextmanager
def training_batches(
    vae,
    arrays,
    batch_size,
    shuffle=True,
    callbacks=(),
    steps_per_epoch=None,
    within_pass=False,
    in_one_loop=True,
):
    """The keyword arguments of `keras.Model.fit` for `arrays`, valid within the block.

    Args:
        vae: the model.
        arrays: a tuple (x,), (x, y) or (x, y, sample_weight) of structures of arrays
            (n, ...) or rows on disk, checked.
        callbacks: a list, to which the callbacks are added that the batches need.
        steps_per_epoch, within_pass: as for `EpochPermutation`.
        in_one_loop: whether `device_loop` may make many steps in one call.
    """
    seed = data_seed(vae)
    if streaming.contains_on_disk(arrays):
        stream = streaming.BlockStream(
            arrays, batch_size, seed if shuffle else None, vae.steps_trained()
        )
        steps = steps_per_epoch or stream.steps_per_pass
        with streaming.shuffled_batches(stream) as batches:
            yield arguments(batches, callbacks, steps)
        return
    order = EpochPermutation(
        arrays,
        batch_size,
        seed,
        vae.steps_trained,
        steps_per_epoch,
        shuffle,
        within_pass,
    )
    if in_one_loop and device_loop.is_supported(vae):
        n_steps = device_loop.choose_steps_per_call(vae, order, callbacks)
        with device_loop.DeviceLoop(vae, arrays, order, n_steps) as loop:
            data = loop.placeholder_dataset()
            yield arguments(data, [*callbacks, loop], order.steps_per_epoch)
    else:
        data = PermutedDataset(arrays, order)
        yield arguments(data, [*callbacks, StartEpoch(data)])


def arguments(x, callbacks, steps_per_epoch=None):
    return {
        "x": x,
        "callbacks": callbacks,
        "steps_per_epoch": steps_per_epoch,
        "shuffle": False,  # the batches are
    }


def data_seed(vae):
    """The integer that, with the steps trained, decides the order of the rows."""
    return vae.posterior.seed

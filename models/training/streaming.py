"""How rows on disk reach `fit`: block by block, shuffled, in little memory.

The rows lie in blocks that follow each other on disk. A pass takes the blocks in an
order of its own, some of them at once as a window, and mixes the rows of a window. So
reading stays sequential, and what is in memory is a window or three. Which rows make
batch s is a function of (seed, s) alone, with s the steps the optimiser has made: a run
that was killed goes on within its pass as if never stopped.
"""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import keras
import numpy as np

from models.blocks.ondisk_array import Rows, is_on_disk, slices

WINDOW = 64 * 2**20  # bytes as they are stored
BLOCKS = 8  # in a window


class BlockStream:
    """The windows of one pass after another.

    Args:
        arrays: a structure of arrays and `Rows` of equally many rows.
        batch_size: `None` is Keras's 32. The last batch of a pass may be short.
        seed: an integer, or `None` for the order on disk.
        steps_trained: how many steps the optimiser has made. A number: TensorFlow asks
            for the first batch while the first step is under way.
        window: bytes in a window.
    """

    def __init__(self, arrays, batch_size, seed, steps_trained, window=WINDOW):
        leaves = keras.tree.flatten(arrays)
        self.arrays, self.n_rows = arrays, len(leaves[0])
        self.batch_size = size = batch_size or 32
        self.steps_per_pass = math.ceil(self.n_rows / size)
        self.seed, self.steps_trained = seed, steps_trained
        self.running, self.is_over = [], False
        row = sum(nbytes(leaf) for leaf in leaves)
        # whole batches, so that of a pass only the last block's last batch is short
        self.block = max(1, window // (BLOCKS * row * size)) * size

    def windows(self, passes=None):
        """(stored values, the order of their rows) of one window after another.

        passes: how many; `None` is without end. The first begins where the steps
        trained are in it.
        """
        skip = self.steps_trained % self.steps_per_pass
        starts = itertools.count(self.steps_trained - skip, self.steps_per_pass)
        for start in itertools.islice(starts, passes):
            for blocks, order in self.plan(start):
                n_steps = math.ceil(len(order) / self.batch_size)
                if skip < n_steps:
                    yield blocks, order[skip * self.batch_size :]
                skip = max(0, skip - n_steps)

    def plan(self, start):
        """(first rows of its blocks, the order of its rows) of each window of a pass.

        start: how many steps were made before the pass.
        """
        firsts = np.arange(0, self.n_rows, self.block)
        rng = None if self.seed is None else np.random.default_rng((self.seed, start))
        if rng is not None:
            rng.shuffle(firsts)
        for i in range(0, len(firsts), BLOCKS):
            blocks = firsts[i : i + BLOCKS]
            n = int(np.minimum(self.n_rows - blocks, self.block).sum())
            yield blocks, np.arange(n) if rng is None else rng.permutation(n)

    def read(self, blocks):
        """The stored values of these blocks, one after another."""

        def one(leaf):
            parts = [stored(leaf, first, first + self.block) for first in blocks]
            return np.concatenate(parts)

        return keras.tree.map_structure(one, self.arrays)

    def loaded(self, passes=None):
        """As `windows`, with the values; the next are read while these are at work."""
        self.running.append(self._load(passes))
        return self.running[-1]

    def _load(self, passes):
        with ThreadPoolExecutor(1) as reader:
            waiting = None
            for blocks, order in itertools.chain(self.windows(passes), [(None, None)]):
                coming = blocks is not None and reader.submit(self.read, blocks)
                values = waiting and (waiting[0].result(), waiting[1])
                waiting = coming and (coming, order)
                if self.is_over:
                    return
                if values:
                    yield values

    def end(self):
        """Lets go of the data: TensorFlow keeps for ever what it was given."""
        self.is_over, self.arrays = True, None
        for windows in self.running:
            try:
                windows.close()
            except ValueError:  # at work in a thread, where it sees that it is over
                pass
        self.running.clear()

    def batches(self, passes=None):
        """The batches as arrays in memory, in tuples as Keras has them."""
        for values, order in self.loaded(passes):
            for first in range(0, len(order), self.batch_size):
                rows = order[first : first + self.batch_size]
                yield keras.tree.map_structure(
                    lambda leaf, part, rows=rows: finish(leaf, part[rows]),
                    self.arrays,
                    values,
                )


def stored(leaf, first, last):
    last = min(last, len(leaf))
    return leaf.read_raw(first, last) if isinstance(leaf, Rows) else leaf[first:last]


def finish(leaf, values):
    return leaf.scaled(values) if isinstance(leaf, Rows) else values


def nbytes(leaf):
    """Bytes of one row as it is stored."""
    return stored(leaf, 0, 1).nbytes


class Form:
    """What becomes of stored values; a leaf of a structure, unlike a tuple."""

    def __init__(self, dtype, white):
        self.dtype, self.white = dtype, white


def form(leaf):
    white = leaf.scale if isinstance(leaf, Rows) else None
    return Form(leaf.dtype, white)


def tensorflow_batches(order, passes=None):
    """The same batches as a `tf.data.Dataset`.

    Python is asked for windows; batches are cut and scaled in the graph.
    """
    import tensorflow as tf

    size = order.batch_size
    values = keras.tree.map_structure(
        lambda leaf: tf.TensorSpec((None, *leaf.shape[1:]), stored(leaf, 0, 1).dtype),
        order.arrays,
    )
    forms = keras.tree.map_structure(form, order.arrays)
    signature = values, tf.TensorSpec((None,), tf.int64)
    shape = (size if order.n_rows % size == 0 else None,)

    def finished(form, batch):
        batch = tf.cast(batch, form.dtype)
        return batch if form.white is None else batch / form.white

    def batches(window, rows):
        def gather(step):
            batch = tf.ensure_shape(rows[step * size : (step + 1) * size], shape)
            return keras.tree.map_structure(
                lambda t, form: finished(form, tf.gather(t, batch)),
                window,
                forms,
            )

        steps = (tf.size(rows, tf.int64) + size - 1) // size
        return tf.data.Dataset.range(steps).map(gather)

    options = tf.data.Options()
    options.autotune.enabled = False  # its threads compete with the arithmetic
    options.deterministic = True
    data = tf.data.Dataset.from_generator(
        lambda: order.loaded(passes), output_signature=signature
    )
    data = data.flat_map(batches)
    if passes is not None:  # of unknown length, Keras's means would be too small
        data = data.apply(
            tf.data.experimental.assert_cardinality(passes * order.steps_per_pass)
        )
    return data.prefetch(2).with_options(options)


class SequentialDataset(keras.utils.PyDataset):
    """One pass in the order on disk, for JAX and torch."""

    def __init__(self, arrays, batch_size):
        super().__init__()
        self.arrays, self.batch_size = arrays, batch_size or 32
        self.n_rows = len(keras.tree.flatten(arrays)[0])

    def __len__(self):
        return math.ceil(self.n_rows / self.batch_size)

    def __getitem__(self, index):
        first = index * self.batch_size
        part = slice(first, first + self.batch_size)
        return keras.tree.map_structure(lambda leaf: leaf[part], self.arrays)


def contains_on_disk(x):
    """Whether x is on disk, or a structure with a part that is."""
    return any(is_on_disk(leaf) for leaf in keras.tree.flatten(x))


@contextmanager
def shuffled_batches(order):
    """The batches without end, as `fit` takes them."""
    try:
        yield tensorflow_batches(order) if is_tensorflow() else order.batches()
    finally:
        order.end()


@contextmanager
def sequential_batches(arrays, batch_size):
    """What `evaluate` is given: one pass in the order on disk."""
    if not is_tensorflow():
        yield SequentialDataset(arrays, batch_size)
        return
    order = BlockStream(arrays, batch_size, None, 0)
    try:
        yield tensorflow_batches(order, 1)
    finally:
        order.end()


def predict_in_chunks(layer, inputs, batch_size):
    """`layer.predict(inputs)` of a layer that is a model; rows on disk by chunks."""
    predict = partial(layer.predict, batch_size=batch_size, verbose=0)
    if not contains_on_disk(inputs):
        return predict(inputs)
    x = next(leaf for leaf in keras.tree.flatten(inputs) if is_on_disk(leaf))
    parts = []
    for rows in slices(x):
        chunk = keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], inputs)
        parts.append(predict(chunk))
    return keras.tree.map_structure(lambda *leaves: np.concatenate(leaves), *parts)


def is_tensorflow():
    return keras.backend.backend() == "tensorflow"

"""How rows on disk reach `fit`: block by block, shuffled, in little memory.

The rows are read in blocks that are contiguous on disk. Blocks are shuffled in each
pass; rows are shuffled within windows of eight blocks. So reading stays sequential, and
at most three windows are in memory. The rows of batch s are a function of (seed, s)
alone, where s counts the steps of the optimiser: a run that was killed continues within
its pass as if it had never stopped.
"""

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import keras
import numpy as np

from models.blocks.ondisk_array import Rows, is_on_disk, slices

WINDOW = 64 * 2**20  # bytes, as they are stored
BLOCKS = 8  # in a window


class BlockStream:
    """The windows of one pass after another.

    Args:
        arrays: a structure of arrays and `Rows` (n, ...) with the same n.
        batch_size: rows in a batch; `None` is Keras's 32. The last batch of a pass may
            be shorter.
        seed: an integer, or `None` for the order on disk.
        steps_trained: the steps that the optimiser has made. A number, because
            TensorFlow asks for the first batch while the first step is under way.
        window: bytes in a window.
    """

    def __init__(
        self,
        arrays,
        batch_size: int | None,
        seed: int | None,
        steps_trained: int,
        window: int = WINDOW,
    ):
        leaves = keras.tree.flatten(arrays)
        self.arrays, self.n_rows = arrays, len(leaves[0])
        self.batch_size = size = batch_size or 32
        self.steps_per_pass = math.ceil(self.n_rows / size)
        self.seed, self.steps_trained = seed, steps_trained
        self.iterators, self.is_closed = [], False
        row = sum(read_raw(leaf, 0, 1).nbytes for leaf in leaves)
        # whole batches, so that only the last batch of a pass is short
        self.block = max(1, window // (BLOCKS * row * size)) * size

    def plan(self, passes: int | None = None) -> Iterator[tuple]:
        """(first rows of the blocks, order of the rows) of one window after another.

        passes: how many; `None` is without end. The first begins at the step that is
        next in its pass.
        """
        skip = self.steps_trained % self.steps_per_pass
        starts = itertools.count(self.steps_trained - skip, self.steps_per_pass)
        for start in itertools.islice(starts, passes):
            for blocks, order in self.plan_pass(start):
                n_steps = math.ceil(len(order) / self.batch_size)
                if skip < n_steps:
                    yield blocks, order[skip * self.batch_size :]
                skip = max(0, skip - n_steps)

    def plan_pass(self, start: int) -> Iterator[tuple]:
        """The windows of the pass that begins after `start` steps."""
        firsts = np.arange(0, self.n_rows, self.block)
        rng = None if self.seed is None else np.random.default_rng((self.seed, start))
        if rng is not None:
            rng.shuffle(firsts)
        for i in range(0, len(firsts), BLOCKS):
            blocks = firsts[i : i + BLOCKS]
            n = int(np.minimum(self.n_rows - blocks, self.block).sum())
            yield blocks, np.arange(n) if rng is None else rng.permutation(n)

    def read_blocks(self, blocks):
        """The stored values of the blocks that begin at these rows, concatenated."""

        def read(leaf):
            parts = [read_raw(leaf, first, first + self.block) for first in blocks]
            return np.concatenate(parts)

        return keras.tree.map_structure(read, self.arrays)

    def windows(self, passes: int | None = None) -> Iterator[tuple]:
        """(stored values, order of the rows) of each window; the next is prefetched."""
        self.iterators.append(self._read_windows(passes))
        return self.iterators[-1]

    def _read_windows(self, passes):
        with ThreadPoolExecutor(1) as reader:
            submitted = (
                (reader.submit(self.read_blocks, blocks), order)
                for blocks, order in self.plan(passes)
            )
            ahead = itertools.chain(submitted, [None])
            for (values, order), _ in itertools.pairwise(ahead):
                if self.is_closed:
                    return
                yield values.result(), order

    def close(self) -> None:
        """Releases the data; TensorFlow never releases the generator it was given."""
        self.is_closed, self.arrays = True, None
        for windows in self.iterators:
            try:
                windows.close()
            except ValueError:  # it runs in a thread, and ends by `is_closed`
                pass
        self.iterators.clear()

    def dataset(self):
        """The batches without end, as `fit` takes them."""
        return tensorflow_batches(self) if is_tensorflow() else self.batches()

    def batches(self, passes: int | None = None) -> Iterator[tuple]:
        """The batches as arrays in memory, in tuples as Keras takes them."""
        for values, order in self.windows(passes):
            for first in range(0, len(order), self.batch_size):
                rows = order[first : first + self.batch_size]
                yield keras.tree.map_structure(
                    lambda leaf, raw, rows=rows: scaled(leaf, raw[rows]),
                    self.arrays,
                    values,
                )


def read_raw(leaf, first: int, last: int) -> np.ndarray:
    """Rows first to last - 1 of an array or of `Rows`, as they are stored."""
    last = min(last, len(leaf))
    return leaf.read_raw(first, last) if isinstance(leaf, Rows) else leaf[first:last]


def scaled(leaf, values: np.ndarray) -> np.ndarray:
    """Stored values as a network takes them."""
    return leaf.scaled(values) if isinstance(leaf, Rows) else values


def tensorflow_batches(stream: BlockStream, passes: int | None = None):
    """The batches of the stream as a `tf.data.Dataset`.

    Python reads windows; batches are gathered and scaled in the graph.
    """
    import tensorflow as tf

    size = stream.batch_size
    values = keras.tree.map_structure(
        lambda leaf: tf.TensorSpec((None, *leaf.shape[1:]), read_raw(leaf, 0, 1).dtype),
        stream.arrays,
    )
    signature = values, tf.TensorSpec((None,), tf.int64)
    shape = (size if stream.n_rows % size == 0 else None,)

    def batches(window, rows):
        def gather(step):
            batch = tf.ensure_shape(rows[step * size : (step + 1) * size], shape)

            def scaled_batch(leaf, raw):
                part = tf.cast(tf.gather(raw, batch), leaf.dtype)
                scale = getattr(leaf, "scale", None)
                return part if scale is None else part / scale

            return keras.tree.map_structure(scaled_batch, stream.arrays, window)

        steps = (tf.size(rows, tf.int64) + size - 1) // size
        return tf.data.Dataset.range(steps).map(gather)

    options = tf.data.Options()
    options.autotune.enabled = False  # its threads compete with the arithmetic
    options.deterministic = True
    data = tf.data.Dataset.from_generator(
        lambda: stream.windows(passes), output_signature=signature
    ).flat_map(batches)
    if passes is not None:  # of unknown length, Keras's means would be too small
        length = passes * stream.steps_per_pass
        data = data.apply(tf.data.experimental.assert_cardinality(length))
    return data.prefetch(2).with_options(options)


def contains_on_disk(x) -> bool:
    """Whether x, or a part of the structure x, is on disk."""
    return any(is_on_disk(leaf) for leaf in keras.tree.flatten(x))


def predict_in_chunks(model: keras.Model, inputs, batch_size: int):
    """`model.predict(inputs)`; rows on disk are read chunk by chunk."""
    predict = partial(model.predict, batch_size=batch_size, verbose=0)
    if not contains_on_disk(inputs):
        return predict(inputs)
    x = next(leaf for leaf in keras.tree.flatten(inputs) if is_on_disk(leaf))
    parts = [
        predict(keras.tree.map_structure(lambda leaf, rows=rows: leaf[rows], inputs))
        for rows in slices(x)
    ]
    return keras.tree.map_structure(lambda *leaves: np.concatenate(leaves), *parts)


def is_tensorflow() -> bool:
    """Whether TensorFlow is Keras's backend."""
    return keras.backend.backend() == "tensorflow"

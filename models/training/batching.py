"""The batches that reach `fit` and `evaluate`, and the order of arrays in memory.

Keras 3.15 shuffles arrays in the same order in every epoch on TensorFlow after
`keras.utils.set_random_seed`, builds two data iterators per epoch there, and on all
backends the order depends on what else drew random numbers. Here the order is a
function of the seed and the steps trained, so that a run is reproducible bit for bit
and a saved model continues as if it had never stopped.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import keras
import numpy as np

from models.training import device_loop, streaming


class EpochPermutation(keras.callbacks.Callback):
    """The order of the rows: one permutation for each pass over them.

    Args:
        vae: the model, whose seed and steps trained decide the order; it is asked for
            the steps once, when the first epoch begins.
        arrays: a structure of arrays (n, ...) with the same n.
        batch_size: rows in a batch; `None` is Keras's 32. The last one may be shorter.
        steps_per_epoch: batches in an epoch of `fit`; `None` is one pass.
        shuffle: whether the rows are permuted.
        within_pass: whether the first epoch continues in the pass that the steps
            trained fall in, counted from step 0; otherwise it begins a pass.

    Attributes: `rows`, the list of the row indices of each batch of an epoch, which
    `fit` replaces in place when the epoch begins; and the arguments.
    """

    def __init__(
        self,
        vae: keras.Model,
        arrays,
        batch_size: int | None,
        steps_per_epoch: int | None = None,
        shuffle: bool = True,
        within_pass: bool = False,
    ):
        super().__init__()
        self.n_rows = len(keras.tree.flatten(arrays)[0])
        self.batch_size = batch_size or 32
        self.steps_per_pass = math.ceil(self.n_rows / self.batch_size)
        self.steps_per_epoch = steps_per_epoch or self.steps_per_pass
        self.vae, self.shuffle, self.within_pass = vae, shuffle, within_pass
        first = np.arange(min(self.batch_size, self.n_rows))  # what Keras may look at
        self.rows = [first] * self.steps_per_epoch
        self.remaining_batches = self.batches()

    def batches(self) -> Iterator[np.ndarray]:
        """The row indices of one batch after another, without end."""
        steps = self.vae.steps_trained()
        skip = steps % self.steps_per_pass if self.within_pass else 0
        for start in itertools.count(steps - skip, self.steps_per_pass):
            order = self.permutation(start)
            for first in range(skip * self.batch_size, self.n_rows, self.batch_size):
                yield order[first : first + self.batch_size]
            skip = 0

    def permutation(self, start: int) -> np.ndarray:
        """The row indices, (n,) int64, of the pass that begins after `start` steps."""
        rng = np.random.default_rng((self.vae.posterior.seed, start))
        return (rng.permutation if self.shuffle else np.arange)(self.n_rows)

    def on_epoch_begin(self, epoch, logs=None):
        """Draws the batches of the epoch."""
        self.rows[:] = itertools.islice(self.remaining_batches, self.steps_per_epoch)


class IndexedBatches(keras.utils.PyDataset):
    """The batches of arrays that row indices or slices select.

    Args:
        arrays: a structure of arrays or rows on disk (n, ...).
        rows: a list, with the rows of each batch.
        place: what puts each array of a batch on several devices, or `None`.
    """

    def __init__(self, arrays, rows: list, place: Callable | None = None):
        super().__init__()
        self.arrays, self.rows, self.place = arrays, rows, place

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        rows = self.rows[index]
        batch = keras.tree.map_structure(lambda array: array[rows], self.arrays)
        return keras.tree.map_structure(self.place, batch) if self.place else batch


@contextmanager
def training_batches(
    vae: keras.Model,
    arrays: tuple,
    *,
    batch_size: int | None = None,
    shuffle: bool = True,
    callbacks: list = (),
    steps_per_epoch: int | None = None,
    within_pass: bool = False,
    class_weight: dict | None = None,
    place: Callable | None = None,
    **others,
) -> Iterator[dict]:
    """The arguments of `keras.Model.fit` for these arrays, valid within the block.

    `arrays` is (x,), (x, y) or (x, y, sample_weight), structures of arrays or rows on
    disk (n, ...), checked. `within_pass` is as in `EpochPermutation`, `place` as in
    `IndexedBatches`, and the other arguments are Keras's. Callbacks that the batches
    need are added to `callbacks`.
    """
    arguments = others | {"callbacks": [*callbacks], "class_weight": class_weight}
    arguments["shuffle"] = False  # the order is made here
    if streaming.contains_on_disk(arrays):
        seed, steps = vae.posterior.seed if shuffle else None, vae.steps_trained()
        with closing(streaming.BlockStream(arrays, batch_size, seed, steps)) as stream:
            arguments["steps_per_epoch"] = steps_per_epoch or stream.steps_per_pass
            yield {"x": stream.dataset(), **arguments}
        return
    order = EpochPermutation(
        vae, arrays, batch_size, steps_per_epoch, shuffle, within_pass
    )
    arguments["callbacks"].append(order)
    if device_loop.is_supported(vae) and class_weight is None and place is None:
        arguments["steps_per_epoch"] = order.steps_per_epoch
        n_steps = device_loop.choose_steps_per_call(vae, order, callbacks)
        with device_loop.DeviceLoop(vae, arrays, order, n_steps) as loop:
            arguments["callbacks"].append(loop)
            yield {"x": loop.placeholder_dataset(), **arguments}
    else:
        yield {"x": IndexedBatches(arrays, order.rows, place), **arguments}


@contextmanager
def sequential_batches(arrays, batch_size: int | None) -> Iterator:
    """One pass over rows in the order on disk, as `evaluate` takes it, repeatedly."""
    with closing(streaming.BlockStream(arrays, batch_size, None, 0)) as stream:
        if streaming.is_tensorflow():
            yield streaming.tensorflow_batches(stream, 1)
        else:
            firsts = range(0, stream.n_rows, stream.batch_size)
            rows = [slice(first, first + stream.batch_size) for first in firsts]
            yield IndexedBatches(arrays, rows)

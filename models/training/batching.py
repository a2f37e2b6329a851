"""The order in which arrays in memory reach `fit`.

Keras 3.15 shuffles arrays in the same order in every epoch on TensorFlow after
`keras.utils.set_random_seed`, builds two data iterators per epoch there, and on all
backends the order depends on what else drew random numbers. Here the order is a
function of the seed and the steps trained, so that a run is reproducible bit for bit
and a saved model continues as if it had never stopped.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np

from models.training import device_loop, streaming


class EpochPermutation:
    """The order of the rows: one permutation for each pass over them.

    Args:
        arrays: a structure of arrays (n, ...) with the same n.
        batch_size: rows in a batch; `None` is Keras's 32. The last one may be shorter.
        seed: an integer.
        steps_trained: a function that returns the steps that the optimiser has made;
            called once, when the first epoch begins.
        steps_per_epoch: batches in an epoch of `fit`; `None` is one pass.
        shuffle: whether the rows are permuted.
        within_pass: whether the first epoch continues in the pass that the steps
            trained fall in, counted from step 0; otherwise it begins a pass.
    """

    def __init__(
        self,
        arrays,
        batch_size: int | None,
        seed: int,
        steps_trained: Callable[[], int],
        steps_per_epoch: int | None = None,
        shuffle: bool = True,
        within_pass: bool = False,
    ):
        self.n_rows = len(keras.tree.flatten(arrays)[0])
        self.batch_size = batch_size or 32
        self.steps_per_pass = math.ceil(self.n_rows / self.batch_size)
        self.steps_per_epoch = steps_per_epoch or self.steps_per_pass
        self.seed, self.steps_trained = seed, steps_trained
        self.shuffle, self.within_pass = shuffle, within_pass
        self.all_full = self.n_rows % self.batch_size == 0

    def batches(self) -> Iterator[np.ndarray]:
        """The row indices of one batch after another, without end."""
        steps = self.steps_trained()
        skip = steps % self.steps_per_pass if self.within_pass else 0
        for start in itertools.count(steps - skip, self.steps_per_pass):
            order = self.permutation(start)
            for first in range(skip * self.batch_size, self.n_rows, self.batch_size):
                yield order[first : first + self.batch_size]
            skip = 0

    def permutation(self, start: int) -> np.ndarray:
        """The row indices, (n,) int64, of the pass that begins after `start` steps."""
        rng = np.random.default_rng((self.seed, start))
        return (rng.permutation if self.shuffle else np.arange)(self.n_rows)


class PermutedDataset(keras.utils.PyDataset):
    """The batches of one epoch after another, for steps that are made one by one.

    PyDataset's own hook is called once too often, before the first epoch: `fit` needs
    the callback of `epoch_callback`.
    """

    def __init__(self, arrays, order: EpochPermutation):
        super().__init__()
        self.arrays, self.order = arrays, order
        self.batches = order.batches()
        self.rows = [np.arange(order.batch_size)] * order.steps_per_epoch

    def epoch_callback(self) -> keras.callbacks.Callback:
        """A callback that draws the order of each epoch when it begins."""
        return keras.callbacks.LambdaCallback(on_epoch_begin=self._begin_epoch)

    def _begin_epoch(self, epoch, logs):
        self.rows = list(itertools.islice(self.batches, self.order.steps_per_epoch))

    def __len__(self):
        return self.order.steps_per_epoch

    def __getitem__(self, index):
        rows = self.rows[index]
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)


@contextmanager
def training_batches(
    vae: keras.Model,
    arrays: tuple,
    batch_size: int | None = None,
    shuffle: bool = True,
    callbacks: list = (),
    steps_per_epoch: int | None = None,
    within_pass: bool = False,
    in_one_loop: bool = True,
) -> Iterator[dict]:
    """The arguments of `keras.Model.fit` for these arrays, valid within the block.

    `arrays` is (x,), (x, y) or (x, y, sample_weight), structures of arrays or rows on
    disk (n, ...), checked. Callbacks that the batches need are added to `callbacks`.
    `in_one_loop`: whether many steps may be made in one call (`device_loop`). The other
    arguments are those of `EpochPermutation`.
    """
    seed = data_seed(vae)
    arguments = {"callbacks": [*callbacks], "shuffle": False}  # the order is made here
    if streaming.contains_on_disk(arrays):
        seed = seed if shuffle else None
        stream = streaming.BlockStream(arrays, batch_size, seed, vae.steps_trained())
        arguments["steps_per_epoch"] = steps_per_epoch or stream.steps_per_pass
        with streaming.shuffled_batches(stream) as batches:
            yield {"x": batches, **arguments}
        return
    trained = vae.steps_trained
    order = EpochPermutation(
        arrays, batch_size, seed, trained, steps_per_epoch, shuffle, within_pass
    )
    if in_one_loop and device_loop.is_supported(vae):
        arguments["steps_per_epoch"] = order.steps_per_epoch
        n_steps = device_loop.choose_steps_per_call(vae, order, callbacks)
        with device_loop.DeviceLoop(vae, arrays, order, n_steps) as loop:
            arguments["callbacks"].append(loop)
            yield {"x": loop.placeholder_dataset(), **arguments}
    else:
        dataset = PermutedDataset(arrays, order)
        arguments["callbacks"].append(dataset.epoch_callback())
        yield {"x": dataset, **arguments}


def data_seed(vae: keras.Model) -> int:
    """The seed that decides the order of the rows."""
    return vae.posterior.seed

"""What posteriors, priors, likelihoods and objectives have in common.

Shapes, everywhere in `models.blocks`: S samples of z, B examples in the batch, D latent
dimensions. `z` is (S, B, D), densities of z are (S, B), terms of the objective (B,).
All log-probabilities are in nats, summed over the event axes, float32.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from models.blocks.schedules import PACKAGE

register = keras.saving.register_keras_serializable(PACKAGE)
_in_batches = ContextVar("in_batches", default=False)


@dataclass(frozen=True)
class Context:
    """What a component takes from the model that it becomes a part of.

    Attributes:
        input_shape: the shape of one example of x.
        latent_dim: D.
        seeds: an endless stream of integers, all decided by the seed of the model.
        kernel_initializer: returns an initializer with the next seed, for a kernel.
    """

    input_shape: tuple
    latent_dim: int
    seeds: Iterator[int]
    kernel_initializer: Callable


class Component(keras.layers.Layer):
    """A layer that computes in float32 whatever the global dtype policy is.

    An argument of a subclass is saved with a model where it is an attribute, too.
    """

    role = None  # the name of this layer in a model

    def __init__(self, **kwargs):
        if self.role is not None:
            kwargs = {"name": self.role, **kwargs}
        super().__init__(**{"dtype": "float32", **kwargs})

    def configure(self, context: Context) -> None:
        """Takes sizes and seeds from the model, once, before the layer builds."""

    def spec(self, *shape):
        """The symbolic tensor of this shape."""
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        kinds = type(self).__mro__
        own = {}
        for kind in kinds[: kinds.index(Component)]:
            names = inspect.signature(kind.__init__).parameters
            own |= {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {**super().get_config(), **own}


class RandomComponent(Component):
    """A component that draws random numbers.

    In training from a stream, whose state is saved with the weights. `evaluate` and
    `predict` draw from another, which each of them begins again: its batches have
    independent noise, and it repeats. Every other call has the noise of a first batch.

    Args:
        seed: an integer, or `None` to take the next one of the model.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self._seed_with(seed)

    def _seed_with(self, seed):
        self.seed = seed
        if seed is not None:
            self.seed_generator = keras.random.SeedGenerator(seed)
            self.batch_seeds = keras.random.SeedGenerator(seed)

    def configure(self, context):
        if self.seed is None:
            self._seed_with(next(context.seeds))

    def call_seed(self, training):
        """The seed that a function of `keras.random` takes in this call."""
        if training:
            return self.seed_generator
        return self.batch_seeds if _in_batches.get() else self.seed

    def restart_batches(self):
        """Makes the next batch the first one."""
        state = self.batch_seeds.state
        state.assign(ops.convert_to_tensor([self.seed, 0], state.dtype))

    # Keras leaves the state of seed generators out of saved weights; a resumed run
    # would repeat the noise of its first steps.
    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["seed_state"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store):
        store = {name: store[name] for name in store.keys()}  # noqa: SIM118, of HDF5
        self.seed_generator.state.assign(store.pop("seed_state"))
        super().load_own_variables(store)


@contextmanager
def successive_batches():
    """In the block, calls outside training draw the noise of one batch after another.

    It counts where a function is traced, and so holds for the compiled one.
    """
    token = _in_batches.set(True)
    try:
        yield
    finally:
        _in_batches.reset(token)


def seed_stream(seed: int) -> Iterator[int]:
    """Yields integers far apart from each other, all decided by `seed`.

    (On torch the streams of neighbouring seeds are one stream, shifted by a step.)
    """
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31 - 1))


@register
class FoldSamples(Component):
    """Moves samples into the batch, for the decoder: (S, B, ...) -> (S B, ...)."""

    def call(self, z):
        return ops.reshape(z, (-1, *z.shape[2:]))

    def compute_output_spec(self, z):
        return self.spec(None, *z.shape[2:])


@register
class RepeatForSamples(Component):
    """Repeats a label for each sample of z: (B, ...), (S, B, D) -> (S B, ...)."""

    def call(self, label, z):
        return ops.tile(label, (ops.shape(z)[0], *[1] * (len(label.shape) - 1)))

    def compute_output_spec(self, label, z):
        return self.spec(None, *label.shape[1:])


@register
class FirstSample(Component):
    """The first sample: (S, B, D) -> (B, D)."""

    def call(self, z):
        return z[0]

    def compute_output_spec(self, z):
        return self.spec(*z.shape[1:])


@register
class Binarize(RandomComponent):
    """Each entry of x in [0, 1] becomes 1 with probability x, else 0.

    Drawn again in every training step: "dynamically binarised" MNIST (Burda et al.,
    2016).
    """

    def call(self, x, training=False):
        seed = self.call_seed(training)
        u = keras.random.uniform(ops.shape(x), dtype="float32", seed=seed)
        return ops.cast(u < x, self.compute_dtype)

    def compute_output_shape(self, x_shape):
        return x_shape

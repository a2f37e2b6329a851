"""Encoders and decoders of any layers of Keras, written as two functions."""

import math
import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import keras
from keras import layers

from models.networks.conv import as_channels


@dataclass(frozen=True)
class FromFunctions:
    """Encoder and decoder as functions of Keras tensors, as users of Serket write them.

    Any layers of Keras will do, convolutions and dropout too; `hidden_dims` and
    `activation` are not read. Initial weights follow from the model's `seed` where the
    layers are made inside the functions. (A file with a `Lambda` layer cannot be
    loaded, since that would run code from the file.)

    Args:
        build_encoder: (x, latent_dim) -> (mu, log_var), each (batch, latent_dim); x is
            (batch, *input_shape).
        build_decoder: z -> what p(x|z) is decoded from, the mean of a Gaussian or
            the logits of a Bernoulli: (batch, *input_shape), but axes of length 1 may
            be missing or added, or (batch, size of x). z is (batch, latent_dim).

    Raises ValueError if one is no function, and when the model is built if its result
    is not as above, naming it, what was expected and what came.
    """

    build_encoder: Callable
    build_decoder: Callable

    def __post_init__(self):
        for name, value in vars(self).items():
            if not callable(value):
                raise ValueError(f"{name} must be a function. Received: {value!r}")

    def encoder(self, settings):
        """x -> z_mean and z_log_var, each (batch, latent_dim), float32."""
        x = keras.Input(settings.input_shape, name="encoder_input")
        with decided_by(next(settings.seeds)):
            result = self.build_encoder(x, settings.latent_dim)
        if not is_pair_of((None, settings.latent_dim), result):
            raise ValueError(
                "build_encoder must return two Keras tensors (mu, log_var), each of "
                f"the shape {(None, settings.latent_dim)}. Received: {in_words(result)}"
            )
        outputs = {
            name: layers.Activation("linear", dtype="float32", name=name)(value)
            for name, value in zip(("z_mean", "z_log_var"), result, strict=True)
        }
        return settings.half(x, outputs, "encoder")

    def join(self, x, code, settings):
        """What `build_encoder` gets for x where there are labels."""
        return as_channels(x, code, settings)

    def decoder(self, settings):
        """z -> one float32 parameter of p(x|z) for each entry of x."""
        z = keras.Input((settings.latent_dim,), name="decoder_input")
        with decided_by(next(settings.seeds)):
            result = self.build_decoder(z)
        if not has_entries_of(settings.input_shape, result):
            flat = math.prod(settings.input_shape)
            raise ValueError(
                "build_decoder must return one Keras tensor of the shape "
                f"{(None, *settings.input_shape)} or {(None, flat)}. "
                f"Received: {in_words(result)}"
            )
        return settings.half(z, settings.like_x(result), "decoder")


@contextmanager
def decided_by(seed):
    """Within, what has no seed of its own is decided by `seed`.

    Keras then takes one from Python's `random`, which is afterwards as it was.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def is_pair_of(shape, result):
    """Whether it is a tuple or list of two Keras tensors of that shape."""
    is_pair = isinstance(result, tuple | list) and len(result) == 2
    return is_pair and all(shape_of(value) == shape for value in result)


def has_entries_of(input_shape, result):
    """Whether it is a Keras tensor of x's entries: flat, or x's axes but for ones."""
    batch, *shape = shape_of(result) or (0,)
    axes = [[n for n in axes if n != 1] for axes in (shape, input_shape)]
    return batch is None and (shape == [math.prod(input_shape)] or axes[0] == axes[1])


def shape_of(value):
    """The shape of a Keras tensor as a tuple, the batch as None; of others None."""
    return tuple(value.shape) if isinstance(value, keras.KerasTensor) else None


def in_words(result):
    """What a function returned, for an error message."""
    if isinstance(result, tuple | list):
        return f"({', '.join(map(in_words, result))})"
    return f"{type(result).__name__} {shape_of(result) or ''}".rstrip()

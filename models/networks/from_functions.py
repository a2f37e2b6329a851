"""Encoders and decoders of any layers of Keras, written as two functions."""

import math
import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import keras
from keras import layers

from models.networks.conv import label_as_channel


@dataclass(frozen=True)
class FromFunctions:
    """Encoder and decoder as functions of Keras tensors, as users of Serket write them.

    Any layers of Keras will do, convolutions and dropout too; `hidden_dims` and
    `activation` are not used. Initial weights follow from the model's `seed` where the
    layers are created inside the functions. (A file with a `Lambda` layer cannot be
    loaded, because that would run code from the file.)

    Args:
        build_encoder: (x, latent_dim) -> (mu, log_var), each (batch, latent_dim); x is
            (batch, *input_shape).
        build_decoder: z -> what p(x|z) is decoded from, the mean of a Gaussian or
            the logits of a Bernoulli: (batch, *input_shape), but axes of length 1 may
            be missing or added, or (batch, size of x). z is (batch, latent_dim).

    The heads of q(z|x) are the function's own, so the posterior is a diagonal Gaussian.

    Raises:
        ValueError: one is no function; or, when the model is built, it returns
            something else.
    """

    build_encoder: Callable
    build_decoder: Callable

    def __post_init__(self):
        for name, value in vars(self).items():
            if not callable(value):
                raise ValueError(f"{name} must be a function. Received: {value!r}")

    def encoder(self, config):
        """x -> a dict of z_mean and z_log_var, each (batch, latent_dim)."""
        x = keras.Input(config.input_shape, name="encoder_input")
        with seeded(next(config.seeds)):
            result = self.build_encoder(x, config.latent_dim)
        if not is_pair_of_shape((None, config.latent_dim), result):
            raise ValueError(
                "build_encoder must return two Keras tensors (mu, log_var), each of "
                f"the shape {(None, config.latent_dim)}. "
                f"Received: {describe_result(result)}"
            )
        outputs = {
            name: layers.Activation("linear", dtype="float32", name=name)(value)
            for name, value in zip(("z_mean", "z_log_var"), result, strict=True)
        }
        return config.submodel(x, outputs, "encoder")

    def condition(self, x, code, config):
        """What `build_encoder` receives for x where there are labels."""
        return label_as_channel(x, code, config)

    def decoder(self, config):
        """z -> the float32 parameters of p(x|z) for each entry of x."""
        z = keras.Input((config.latent_dim,), name="decoder_input")
        with seeded(next(config.seeds)):
            result = self.build_decoder(z)
        if not has_entries_of_x(config.output_shape, result):
            flat = math.prod(config.output_shape)
            raise ValueError(
                "build_decoder must return one Keras tensor of the shape "
                f"{(None, *config.output_shape)} or {(None, flat)}. "
                f"Received: {describe_result(result)}"
            )
        return config.submodel(z, config.reshape_like_x(result), "decoder")


@contextmanager
def seeded(seed):
    """Within the block, `seed` decides what has no seed of its own.

    Keras then takes one from Python's `random`, whose state is restored afterwards.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def is_pair_of_shape(shape, result):
    """Whether it is a tuple or list of two Keras tensors of that shape."""
    is_pair = isinstance(result, tuple | list) and len(result) == 2
    return is_pair and all(keras_shape(value) == shape for value in result)


def has_entries_of_x(shape_of_x, result):
    """Whether it is a Keras tensor of the entries of x, flat or with axes of 1."""
    batch, *shape = keras_shape(result) or (0,)
    axes = [[n for n in axes if n != 1] for axes in (shape, shape_of_x)]
    return batch is None and (shape == [math.prod(shape_of_x)] or axes[0] == axes[1])


def keras_shape(value):
    """The shape of a Keras tensor, the batch as None; `None` for anything else."""
    return tuple(value.shape) if isinstance(value, keras.KerasTensor) else None


def describe_result(result):
    """A description of what a function returned."""
    if isinstance(result, tuple | list):
        return f"({', '.join(map(describe_result, result))})"
    return f"{type(result).__name__} {keras_shape(result) or ''}".rstrip()

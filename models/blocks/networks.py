"""The bodies of encoders and decoders. Layer names are unique over a whole model.

Two layers of one name would share a variable path, and on torch one of them would
then silently keep its gradients from step to step.
"""

import math
import random

import keras
import numpy as np
from keras import layers

from models.blocks.layers import Sampling


class Settings:
    """What the networks of a variant are built from, checked.

    Args:
        input_shape: the shape of one datum, flat (d,) or an image's (h, w[, c]).
        latent_dim: the number of dimensions of z.
        hidden_dims: widths of the encoder's hidden layers; the decoder mirrors them.
        activation: of the hidden layers, a name or function Keras knows.
        seed: an integer, or `None` for one from Python's `random`, which
            `keras.utils.set_random_seed` seeds. Initial weights, noise and the order of
            the data all follow from it.
    """

    def __init__(self, input_shape, latent_dim, hidden_dims, activation, seed):
        if isinstance(input_shape, int):
            input_shape = (input_shape,)
        self.input_shape = positive_integers("input_shape", input_shape)
        (self.latent_dim,) = positive_integers("latent_dim", (latent_dim,))
        self.hidden_dims = positive_integers("hidden_dims", hidden_dims, at_least=0)
        self.activation = keras.activations.get(activation)
        if not (seed is None or isinstance(seed, int)) or (seed or 0) < 0:
            raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
        self.seeds = seed_stream(random.getrandbits(32) if seed is None else seed)


def positive_integers(name, values, at_least=1):
    """The values as a tuple of int, or a ValueError that names the argument."""
    is_sequence = isinstance(values, tuple | list) and len(values) >= at_least
    if not is_sequence or not all(is_integer(v) and v >= 1 for v in values):
        raise ValueError(
            f"{name} must be made of integers >= 1. Received: {name}={values!r}"
        )
    return tuple(int(v) for v in values)


def is_integer(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def seed_stream(seed):
    """Yields integers far apart from each other, all decided by `seed`.

    (On torch the streams of neighbouring seeds are one stream, shifted by a step.)
    """
    generator = np.random.default_rng(seed)
    while True:
        yield int(generator.integers(2**31 - 1))


def dense(units, name, seeds, **kwargs):
    """A dense layer with Glorot's uniform initialiser, seeded."""
    initializer = keras.initializers.GlorotUniform(next(seeds))
    return layers.Dense(units, kernel_initializer=initializer, name=name, **kwargs)


def mlp(h, hidden_dims, prefix, settings):
    """Dense layers of the given widths, one after another: (batch, n) -> (batch, m)."""
    for i, width in enumerate(hidden_dims, start=1):
        layer = dense(
            width, f"{prefix}_{i}", settings.seeds, activation=settings.activation
        )
        h = layer(h)
    return h


def mlp_encoder(settings):
    """x -> z_mean and z_log_var, each (batch, latent_dim), float32."""
    x = keras.Input(settings.input_shape, name="encoder_input")
    h = layers.Flatten(name="encoder_flatten")(x)
    h = mlp(h, settings.hidden_dims, "encoder", settings)
    outputs = {
        name: dense(settings.latent_dim, name, settings.seeds, dtype="float32")(h)
        for name in ("z_mean", "z_log_var")
    }
    return keras.Model(x, outputs, name="encoder")


def mlp_decoder(settings):
    """z -> one float32 parameter of p(x|z) for each entry of x."""
    z = keras.Input((settings.latent_dim,), name="decoder_input")
    h = mlp(z, settings.hidden_dims[::-1], "decoder", settings)
    size = math.prod(settings.input_shape)
    h = dense(size, "decoder_output", settings.seeds, dtype="float32")(h)
    reshape = layers.Reshape(
        settings.input_shape, dtype="float32", name="decoder_shape"
    )
    return keras.Model(z, reshape(h), name="decoder")


def gaussian_posterior(x, settings, n_samples):
    """q(z|x) = N(z_mean, diag exp(z_log_var)), and a z drawn from it."""
    q = mlp_encoder(settings)(x)
    sampling = Sampling(n_samples, next(settings.seeds), name="z")
    return {**q, "z": sampling(q["z_mean"], q["z_log_var"])}

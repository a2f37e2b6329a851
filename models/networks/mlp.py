"""Encoders and decoders of dense layers: the network unless another is given."""

import math
from dataclasses import dataclass
from numbers import Real

import keras
from keras import layers

from models.networks.network_config import positive_integers


@dataclass(frozen=True)
class MLP:
    """Dense layers, one after another; x is flattened, biases begin at 0.

    Args:
        decoder_dims: widths of the decoder's hidden layers, from z to x. `None` mirrors
            the encoder's hidden_dims.
        weight_stddev: kernels begin as draws from N(0, weight_stddev^2) cut off at two
            standard deviations, as Serket's do; what is left deviates by 0.88 of it.
            `None` is Glorot's uniform, which knows the widths of a layer.

    Raises ValueError, naming the argument, what was expected and what came.
    """

    decoder_dims: tuple | None = None
    weight_stddev: float | None = None

    def __post_init__(self):
        if self.decoder_dims is not None:
            dims = positive_integers("decoder_dims", self.decoder_dims, at_least=0)
            object.__setattr__(self, "decoder_dims", dims)
        if self.weight_stddev is not None and not is_positive(self.weight_stddev):
            raise ValueError(
                "weight_stddev must be a number > 0, or None for Glorot's uniform. "
                f"Received: weight_stddev={self.weight_stddev!r}"
            )

    def encoder(self, settings):
        """x -> z_mean and z_log_var, each (batch, latent_dim), float32."""
        x = keras.Input(settings.input_shape, name="encoder_input")
        h = layers.Flatten(name="encoder_flatten")(x)
        h = self.hidden(h, settings.hidden_dims, "encoder", settings)
        outputs = {
            name: self.dense(settings.latent_dim, name, settings, dtype="float32")(h)
            for name in ("z_mean", "z_log_var")
        }
        return settings.half(x, outputs, "encoder")

    def decoder(self, settings):
        """z -> one float32 parameter of p(x|z) for each entry of x."""
        mirrored = settings.hidden_dims[::-1]
        dims = mirrored if self.decoder_dims is None else self.decoder_dims
        z = keras.Input((settings.latent_dim,), name="decoder_input")
        h = self.hidden(z, dims, "decoder", settings)
        size = math.prod(settings.input_shape)
        h = self.dense(size, "decoder_output", settings, dtype="float32")(h)
        return settings.half(z, settings.like_x(h), "decoder")

    def hidden(self, h, dims, prefix, settings):
        """Layers of the given widths, one after another: (batch, n) -> (batch, m)."""
        for i, width in enumerate(dims, start=1):
            name, activation = f"{prefix}_{i}", settings.activation
            h = self.dense(width, name, settings, activation=activation)(h)
        return h

    def dense(self, units, name, settings, **kwargs):
        """A dense layer that begins as `weight_stddev` says."""
        return dense(units, name, settings, self.weight_stddev, **kwargs)

    def join(self, x, code, settings):
        """x, flattened, and a label's code after it."""
        return as_features(x, code)


def dense(units, name, settings, stddev=None, **kwargs):
    """A dense layer whose kernel takes the next seed: Glorot's, or a cut normal."""
    seed = next(settings.seeds)
    if stddev is None:
        kernel = keras.initializers.GlorotUniform(seed)
    else:
        kernel = keras.initializers.TruncatedNormal(stddev=float(stddev), seed=seed)
    return layers.Dense(units, kernel_initializer=kernel, name=name, **kwargs)


def as_features(x, code):
    """x, flattened, and the code after it: (batch, size of x + code_dim)."""
    flat = layers.Flatten(name="x_flat")(x)
    return layers.Concatenate(name="x_and_label")([flat, code])


def is_positive(value):
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0.0 < value < math.inf

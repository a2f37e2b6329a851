"""Encoders and decoders of dense layers: the network unless another is given."""

import math
from dataclasses import dataclass
from numbers import Real

import keras
from keras import layers

from models.checks import check_integers


@dataclass(frozen=True)
class MLP:
    """Dense layers, one after another; x is flattened, biases start at 0.

    Args:
        decoder_dims: widths of the decoder's hidden layers, from z to x. `None` mirrors
            the encoder's hidden_dims.
        weight_stddev: kernels start as draws from N(0, weight_stddev^2) truncated at
            two standard deviations, as Serket's do; the standard deviation of these
            is 0.88 of it. `None` is Glorot's uniform, which knows the widths.

    Raises:
        ValueError: one of the arguments, with what was expected and received.
    """

    decoder_dims: tuple | None = None
    weight_stddev: float | None = None

    def __post_init__(self):
        if self.decoder_dims is not None:
            dims = check_integers("decoder_dims", self.decoder_dims, at_least=0)
            object.__setattr__(self, "decoder_dims", dims)
        if self.weight_stddev is not None and not is_positive(self.weight_stddev):
            raise ValueError(
                "weight_stddev must be a number > 0, or None for Glorot's uniform. "
                f"Received: weight_stddev={self.weight_stddev!r}"
            )

    def encoder(self, config):
        """x -> features, (batch, the last of hidden_dims)."""
        x = keras.Input(config.input_shape, name="encoder_input")
        h = layers.Flatten(name="encoder_flatten")(x)
        h = self.hidden_layers(h, config.hidden_dims, "encoder", config)
        return config.submodel(x, h, "encoder")

    def decoder(self, config):
        """z -> the float32 parameters of p(x|z) for each entry of x."""
        mirrored = config.hidden_dims[::-1]
        dims = mirrored if self.decoder_dims is None else self.decoder_dims
        z = keras.Input((config.latent_dim,), name="decoder_input")
        h = self.hidden_layers(z, dims, "decoder", config)
        size = math.prod(config.output_shape)
        h = self.dense(size, "decoder_output", config, dtype="float32")(h)
        return config.submodel(z, config.reshape_like_x(h), "decoder")

    def hidden_layers(self, h, dims, prefix, config):
        """Layers of the given widths, one after another: (batch, n) -> (batch, m)."""
        for i, width in enumerate(dims, start=1):
            name, activation = f"{prefix}_{i}", config.activation
            h = self.dense(width, name, config, activation=activation)(h)
        return h

    def dense(self, units, name, config, **kwargs):
        """A dense layer whose kernel starts from the next seed."""
        kernel = self.kernel_initializer(next(config.seeds))
        return layers.Dense(units, kernel_initializer=kernel, name=name, **kwargs)

    def kernel_initializer(self, seed):
        """Glorot's uniform, or the truncated normal of `weight_stddev`."""
        if self.weight_stddev is None:
            return keras.initializers.GlorotUniform(seed)
        return keras.initializers.TruncatedNormal(
            stddev=float(self.weight_stddev), seed=seed
        )

    def condition(self, x, code, config):
        """x, flattened, and the code after it: (batch, size of x + code_dim)."""
        flat = layers.Flatten(name="x_flat")(x)
        return layers.Concatenate(name="x_and_label")([flat, code])


def is_positive(value) -> bool:
    """Whether value is a finite number > 0."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0.0 < value < math.inf

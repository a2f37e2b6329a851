"""Encoders and decoders of convolutions, for images of any size."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from models.networks.mlp import as_features, dense
from models.networks.network_config import is_integer, positive_integers


def batch_normalization(name, channels):
    """Normalises each channel over the batch's pixels (Ioffe and Szegedy, 2015).

    Outside training by moving statistics, which need a few hundred steps to follow.
    """
    return layers.BatchNormalization(name=name)


def group_normalization(name, channels):
    """Normalises each datum by itself, in groups of channels (Wu and He, 2018).

    There are gcd(8, channels) groups. A group of one value, one channel on a map of one
    pixel, is made constant: such maps need more than 8 filters.
    """
    return layers.GroupNormalization(math.gcd(8, channels), name=name)


@dataclass(frozen=True)
class Conv:
    """Convolutions of stride 2, and transposed ones back, as in Keras's VAE example.

    For images (h, w) or (h, w, channels). Each 3x3 convolution halves a side, rounded
    up, and the decoder is cropped to the sizes of the encoder: any size will do from
    2^len(filters) on. Kernels begin as Glorot's uniform, biases at 0; before a
    normalisation there are none. `hidden_dims` is not read: the widths are `filters`
    and `dense`. (Chollet, 2020, keras.io/examples/generative/vae)

    Args:
        filters: the channels after each convolution of the encoder; the decoder mirrors
            them.
        dense: the width of the layer before z_mean and z_log_var; `None` for no layer.
        normalization: `batch_normalization`, `group_normalization` or another function
            (name, channels) -> the layer of that name, (batch, h, w, channels) -> the
            same, which follows each convolution but the last; `None` for none.
        residual: whether a block h + f(h) of two convolutions (He et al., 2016) follows
            each convolution of stride 2 and precedes each transposed one.

    Raises ValueError, naming the argument, what was expected and what came; for an
    `input_shape` that is no image, or too small, when the model is built.
    """

    filters: tuple = (32, 64)
    dense: int | None = 16
    normalization: Callable | None = None
    residual: bool = False

    def __post_init__(self):
        filters = positive_integers("filters", self.filters)
        object.__setattr__(self, "filters", filters)
        norm, is_width = self.normalization, is_integer(self.dense) and self.dense >= 1
        if not (self.dense is None or is_width):
            raise ValueError(
                "dense must be an integer >= 1, or None for no dense layer. "
                f"Received: dense={self.dense!r}"
            )
        if not (norm is None or callable(norm)) or isinstance(norm, type):
            raise ValueError(
                "normalization must be a function (name, channels) -> layer, such as "
                f"networks.batch_normalization, or None. Received: normalization={norm}"
            )
        if not isinstance(self.residual, bool):
            raise ValueError(
                f"residual must be True or False. Received: residual={self.residual!r}"
            )

    def encoder(self, settings):
        """x -> z_mean and z_log_var, each (batch, latent_dim), float32."""
        size, *_ = sizes(settings.input_shape, len(self.filters))
        channels = math.prod(settings.input_shape[2:])
        x = keras.Input(settings.input_shape, name="encoder_input")
        h = layers.Reshape((*size, channels), name="encoder_image")(x)
        for i, filters in enumerate(self.filters, start=1):
            h = self.convolve(h, filters, f"encoder_conv_{i}", settings, strides=2)
            name = f"encoder_activation_{i}"
            h = layers.Activation(settings.activation, name=name)(h)
            if self.residual:
                h = self.block(h, f"encoder_block_{i}", settings)
        h = layers.Flatten(name="encoder_flatten")(h)
        if self.dense is not None:
            active = {"activation": settings.activation}
            h = dense(self.dense, "encoder_dense", settings, **active)(h)
        outputs = {
            name: dense(settings.latent_dim, name, settings, dtype="float32")(h)
            for name in ("z_mean", "z_log_var")
        }
        return settings.half(x, outputs, "encoder")

    def decoder(self, settings):
        """z -> one float32 parameter of p(x|z) for each entry of x."""
        *targets, size = sizes(settings.input_shape, len(self.filters))
        shape = (*size, self.filters[-1])
        z = keras.Input((settings.latent_dim,), name="decoder_input")
        active = {"activation": settings.activation}
        h = dense(math.prod(shape), "decoder_dense", settings, **active)(z)
        h = layers.Reshape(shape, name="decoder_map")(h)
        steps = zip(self.filters[::-1], targets[::-1], strict=True)
        for i, (filters, size) in enumerate(steps, start=1):
            if self.residual:
                h = self.block(h, f"decoder_block_{i}", settings)
            h = self.convolve(h, filters, f"decoder_conv_{i}", settings, 2, size)
            name = f"decoder_activation_{i}"
            h = layers.Activation(settings.activation, name=name)(h)
        channels = math.prod(settings.input_shape[2:])
        h = conv(h, channels, "decoder_output", settings, dtype="float32")
        return settings.half(z, settings.like_x(h), "decoder")

    def join(self, x, code, settings):
        """x, and a learned picture of the label as a further channel."""
        return as_channels(x, code, settings)

    def block(self, h, name, settings):
        """h + f(h), f = conv - norm - activation - conv - norm: same shape as h."""
        channels = h.shape[-1]
        f = self.convolve(h, channels, f"{name}_conv_1", settings)
        f = layers.Activation(settings.activation, name=f"{name}_activation")(f)
        f = self.convolve(f, channels, f"{name}_conv_2", settings)
        return layers.Add(name=f"{name}_sum")([h, f])

    def convolve(self, h, filters, name, settings, strides=1, size=None):
        """A convolution, transposed if it must reach a size, and its normalisation."""
        kind = layers.Conv2D if size is None else layers.Conv2DTranspose
        plain = self.normalization is None
        h = conv(h, filters, name, settings, kind, strides=strides, use_bias=plain)
        if size is not None:
            h = cropped(h, size, name.replace("conv", "crop"))
        norm = name.replace("conv", "norm")
        return h if plain else self.normalization(norm, filters)(h)


def as_channels(x, code, settings):
    """x, and a picture of the code, linear in it, as one channel more.

    (batch, h, w[, c]) -> (batch, h, w, c + 1); vectors, (batch, d), as `as_features`.
    Constant channels, one for each label, would be far brighter than most images, and
    the first steps would end with every latent at its prior.
    """
    if len(x.shape) == 2:
        return as_features(x, code)
    height, width = x.shape[1:3]
    image = layers.Reshape((height, width, -1), name="x_image")(x)
    picture = dense(height * width, "label_picture", settings)(code)
    picture = layers.Reshape((height, width, 1), name="label_channel")(picture)
    return layers.Concatenate(name="x_and_label")([image, picture])


def sizes(input_shape, n):
    """The (h, w) of x and after each of n convolutions of stride 2, or a ValueError."""
    if len(input_shape) not in (2, 3) or min(input_shape[:2]) < 2**n:
        raise ValueError(
            f"Conv needs images of at least {2**n} x {2**n} for {n} strided "
            "convolutions, of the shape (h, w) or (h, w, channels). "
            f"Received: input_shape={input_shape}"
        )
    return [tuple(-(-side // 2**i) for side in input_shape[:2]) for i in range(n + 1)]


def conv(h, filters, name, settings, kind=layers.Conv2D, **kwargs):
    """A 3x3 convolution whose kernel takes the next seed."""
    kernel = keras.initializers.GlorotUniform(next(settings.seeds))
    kwargs |= {"padding": "same", "data_format": "channels_last", "name": name}
    return kind(filters, 3, kernel_initializer=kernel, **kwargs)(h)


def cropped(h, size, name):
    """Cuts off the first row or column where h has one too many.

    A "same" convolution of an odd side reads zeros before it, where this row lies.
    """
    cut = tuple((h.shape[1 + i] - size[i], 0) for i in range(2))
    if cut == ((0, 0), (0, 0)):
        return h
    return layers.Cropping2D(cut, data_format="channels_last", name=name)(h)

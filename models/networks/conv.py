"""Encoders and decoders of convolutions, for images of any size."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from models.checks import check_integers, is_integer
from models.networks.mlp import MLP


def batch_normalization(name, channels):
    """Normalises each channel over the batch's pixels (Ioffe and Szegedy, 2015).

    Outside training it uses moving averages, which need a few hundred steps.
    """
    return layers.BatchNormalization(name=name)


def group_normalization(name, channels):
    """Normalises each example by itself, in groups of channels (Wu and He, 2018).

    There are gcd(8, channels) groups. A group of one value, one channel on a map of one
    pixel, is made constant: such maps need more than 8 filters.
    """
    return layers.GroupNormalization(math.gcd(8, channels), name=name)


@dataclass(frozen=True)
class Conv:
    """Convolutions of stride 2, and transposed ones back, as in Keras's VAE example.

    For images (h, w) or (h, w, channels) of at least 2^len(filters) pixels a side. Each
    3x3 convolution halves the sides, rounded up, and the decoder is cropped to the
    sizes of the encoder. Kernels start as Glorot's uniform, biases at 0; layers before
    a normalisation have no bias. `hidden_dims` is not used: the widths are `filters`
    and `dense` (Chollet, 2020, keras.io/examples/generative/vae).

    Args:
        filters: the channels after each convolution of the encoder; the decoder mirrors
            them.
        dense: the width of the last layer, the features; `None` for no such layer.
        normalization: `batch_normalization`, `group_normalization` or another function
            (name, channels) -> the layer of that name, (batch, h, w, channels) -> the
            same, which follows each convolution but the last; `None` for none.
        residual: whether a block h + f(h) of two convolutions (He et al., 2016) follows
            each convolution of stride 2 and precedes each transposed one.

    Raises:
        ValueError: one of the arguments; or, when the model is built, an `input_shape`
            that is no image, or too small.
    """

    filters: tuple = (32, 64)
    dense: int | None = 16
    normalization: Callable | None = None
    residual: bool = False

    def __post_init__(self):
        filters = check_integers("filters", self.filters)
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

    def encoder(self, config):
        """x -> features, (batch, dense)."""
        size, *_ = map_sizes(config.input_shape, len(self.filters))
        channels = math.prod(config.input_shape[2:])
        x = keras.Input(config.input_shape, name="encoder_input")
        h = layers.Reshape((*size, channels), name="encoder_image")(x)
        for i, filters in enumerate(self.filters, start=1):
            h = self.convolve(h, filters, f"encoder_conv_{i}", config, strides=2)
            name = f"encoder_activation_{i}"
            h = layers.Activation(config.activation, name=name)(h)
            if self.residual:
                h = self.residual_block(h, f"encoder_block_{i}", config)
        h = layers.Flatten(name="encoder_flatten")(h)
        if self.dense is not None:
            active = {"activation": config.activation}
            h = MLP().dense(self.dense, "encoder_dense", config, **active)(h)
        return config.submodel(x, h, "encoder")

    def decoder(self, config):
        """z -> the float32 parameters of p(x|z) for each entry of x."""
        *targets, size = map_sizes(config.input_shape, len(self.filters))
        shape = (*size, self.filters[-1])
        z = keras.Input((config.latent_dim,), name="decoder_input")
        active = {"activation": config.activation}
        h = MLP().dense(math.prod(shape), "decoder_dense", config, **active)(z)
        h = layers.Reshape(shape, name="decoder_map")(h)
        steps = zip(self.filters[::-1], targets[::-1], strict=True)
        for i, (filters, size) in enumerate(steps, start=1):
            if self.residual:
                h = self.residual_block(h, f"decoder_block_{i}", config)
            h = self.convolve(h, filters, f"decoder_conv_{i}", config, 2, size)
            name = f"decoder_activation_{i}"
            h = layers.Activation(config.activation, name=name)(h)
        channels = math.prod(config.output_shape[2:])
        h = convolution(h, channels, "decoder_output", config, dtype="float32")
        return config.submodel(z, config.reshape_like_x(h), "decoder")

    def condition(self, x, code, config):
        """x, and a learned picture of the label as a further channel."""
        return label_as_channel(x, code, config)

    def residual_block(self, h, name, config):
        """h + f(h), f = conv - norm - activation - conv - norm: same shape as h."""
        channels = h.shape[-1]
        f = self.convolve(h, channels, f"{name}_conv_1", config)
        f = layers.Activation(config.activation, name=f"{name}_activation")(f)
        f = self.convolve(f, channels, f"{name}_conv_2", config)
        return layers.Add(name=f"{name}_sum")([h, f])

    def convolve(self, h, filters, name, config, strides=1, size=None):
        """A convolution, transposed if it must reach a size, and its normalisation."""
        kind = layers.Conv2D if size is None else layers.Conv2DTranspose
        plain = self.normalization is None
        h = convolution(h, filters, name, config, kind, strides=strides, use_bias=plain)
        if size is not None:
            h = crop(h, size, name.replace("conv", "crop"))
        norm = name.replace("conv", "norm")
        return h if plain else self.normalization(norm, filters)(h)


def label_as_channel(x, code, config):
    """x, and a picture of the code, linear in it, as one more channel.

    (batch, h, w[, c]) -> (batch, h, w, c + 1); vectors, (batch, d), are concatenated.
    Constant channels, one for each label, would be far brighter than most images, and
    after the first steps every latent would be at its prior.
    """
    if len(x.shape) == 2:
        return MLP().condition(x, code, config)
    height, width = x.shape[1:3]
    image = layers.Reshape((height, width, -1), name="x_image")(x)
    picture = MLP().dense(height * width, "label_picture", config)(code)
    picture = layers.Reshape((height, width, 1), name="label_channel")(picture)
    return layers.Concatenate(name="x_and_label")([image, picture])


def map_sizes(input_shape, n):
    """The (h, w) of x and after each of n convolutions of stride 2, or a ValueError."""
    if len(input_shape) not in (2, 3) or min(input_shape[:2]) < 2**n:
        raise ValueError(
            f"Conv needs images of at least {2**n} x {2**n} for {n} strided "
            "convolutions, of the shape (h, w) or (h, w, channels). "
            f"Received: input_shape={input_shape}"
        )
    return [tuple(-(-side // 2**i) for side in input_shape[:2]) for i in range(n + 1)]


def convolution(h, filters, name, config, kind=layers.Conv2D, **kwargs):
    """A 3x3 convolution whose kernel starts from the next seed."""
    kernel = keras.initializers.GlorotUniform(next(config.seeds))
    kwargs |= {"padding": "same", "data_format": "channels_last", "name": name}
    return kind(filters, 3, kernel_initializer=kernel, **kwargs)(h)


def crop(h, size, name):
    """Cuts off the first row or column where h has one more than size.

    A "same" convolution of an odd side reads zeros before it, where this row lies.
    """
    cut = tuple((h.shape[1 + i] - size[i], 0) for i in range(2))
    if cut == ((0, 0), (0, 0)):
        return h
    return layers.Cropping2D(cut, data_format="channels_last", name=name)(h)

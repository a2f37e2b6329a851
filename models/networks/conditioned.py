"""Labels as input: their codes, and networks that read them beside x and z."""

from dataclasses import dataclass

import keras
from keras import layers, ops

from models.blocks.component import Component, register
from models.checks import check_integer


@dataclass(frozen=True)
class Conditional:
    """Any network with a method `condition`, whose two models read a label too.

    encoder: [x, label] -> features of both.
    decoder: [z, label] -> what the network makes of z and the code of the label.

    Args:
        network: what makes the encoder and the decoder.
        n_labels: labels are the integers 0 .. n_labels - 1, (batch,), unless there is
        label_dim: they are real vectors, (batch, label_dim).

    Raises:
        ValueError: one of the arguments, with what was expected and received.
    """

    network: object
    n_labels: int
    label_dim: int | None = None

    def __post_init__(self):
        name = "n_labels" if self.label_dim is None else "label_dim"
        check_integer(name, getattr(self, name))
        if not callable(getattr(self.network, "condition", None)):
            raise ValueError(
                "network must have a method condition(x, code, config) to read a "
                "label, such as models.networks.conv.label_as_channel. "
                f"Received: network={self.network!r}"
            )

    def label_input(self, name):
        """An input of this name, and its code, (batch, code_dim)."""
        if self.label_dim is not None:
            label = keras.Input((int(self.label_dim),), name=name)
            return label, label
        label = keras.Input((), name=name)
        return label, OneHot(self.n_labels, name=f"{name}_code")(label)

    def encoder(self, config):
        """[x, label] -> features, (batch, m)."""
        x = keras.Input(config.input_shape, name="encoder_x")
        label, code = self.label_input("encoder_label")
        both = self.network.condition(x, code, config)
        body = config.replace(input_shape=both.shape[1:], suffix="_body")
        return keras.Model([x, label], self.network.encoder(body)(both), name="encoder")

    def decoder(self, config):
        """[z, label] -> the float32 parameters of p(x|z, y) for each entry of x."""
        z = keras.Input((config.latent_dim,), name="decoder_z")
        label, code = self.label_input("decoder_label")
        both = layers.Concatenate(name="z_and_label")([z, code])
        body = config.replace(latent_dim=both.shape[-1], suffix="_body")
        return keras.Model([z, label], self.network.decoder(body)(both), name="decoder")


@register
class OneHot(Component):
    """Integer labels 0 .. n_labels - 1 as unit vectors: (batch,) -> (batch, n_labels).

    Labels are checked outside the graph, by `models.blocks.vae.VAE`.
    """

    def __init__(self, n_labels, **kwargs):
        super().__init__(**kwargs)
        self.n_labels = n_labels

    def call(self, label):
        return ops.one_hot(ops.cast(label, "int32"), self.n_labels)

    def compute_output_shape(self, label_shape):
        return (*label_shape, self.n_labels)

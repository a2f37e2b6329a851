"""Encoders that take log(1 + x): counts of every size then have features near 1."""

from dataclasses import dataclass

import keras
from keras import ops

from models.blocks.component import Component, register
from models.networks.mlp import MLP


@register
class SignedLog(Component):
    """sign(x) log(1 + |x|), for any real x: the codes of labels may be negative."""

    def call(self, x):
        return ops.sign(x) * ops.log1p(ops.abs(x))

    def compute_output_shape(self, x_shape):
        return x_shape


@dataclass(frozen=True)
class Logarithmic:
    """A network whose encoder takes log(1 + x), as that of scVI (Lopez et al., 2018).

    The variances of q(z|x) are exponentials of what the encoder returns, which would
    overflow for large x.

    Args:
        network: the network; one of a conditional model, too.
    """

    network: object = MLP()

    def encoder(self, config):
        """x -> what the network makes of log(1 + x)."""
        x = keras.Input(config.input_shape, name="counts")
        body = self.network.encoder(config.replace(suffix=config.suffix + "_of_logs"))
        features = body(SignedLog(name="logarithm")(x))
        return keras.Model(x, features, name="encoder" + config.suffix)

    @property
    def condition(self):
        """That of the network, if it has one."""
        return self.network.condition

    def decoder(self, config):
        """That of the network."""
        return self.network.decoder(config)

"""Labels as input: their codes, and networks that read them beside x and z."""

from dataclasses import dataclass

import keras
from keras import layers, ops

from models.blocks.schedules import PACKAGE
from models.networks.network_config import positive_integers


@dataclass(frozen=True)
class Conditional:
    """Any network with a method `join`, whose encoder and decoder read a label too.

    encoder: [x, label] -> what the network's own makes of both, joined.
    decoder: [z, label] -> what the network's own makes of z and the label's code.

    Args:
        network: the bodies of encoder and decoder.
        n_labels: labels are integers 0 .. n_labels - 1, (batch,), unless there is
        label_dim: they are real vectors, (batch, label_dim).

    Raises ValueError, naming the argument, what was expected and what came.
    """

    network: object
    n_labels: int
    label_dim: int | None

    def __post_init__(self):
        kind = "n_labels" if self.label_dim is None else "label_dim"
        positive_integers(kind, (getattr(self, kind),))
        if not callable(getattr(self.network, "join", None)):
            raise ValueError(
                "network must have a method join(x, code, settings) to read a label, "
                "such as models.networks.conv.as_channels. "
                f"Received: network={self.network!r}"
            )

    def label(self, name):
        """An input of this name, and its code, (batch, code_dim)."""
        if self.label_dim is not None:
            label = keras.Input((int(self.label_dim),), name=name)
            return label, label
        label = keras.Input((), name=name)
        return label, OneHot(self.n_labels, name=f"{name}_code")(label)

    def encoder(self, settings):
        """[x, label] -> z_mean and z_log_var, each (batch, latent_dim), float32."""
        x = keras.Input(settings.input_shape, name="encoder_x")
        label, code = self.label("encoder_label")
        both = self.network.join(x, code, settings)
        body = settings.replace(input_shape=both.shape[1:], suffix="_body")
        return keras.Model([x, label], self.network.encoder(body)(both), name="encoder")

    def decoder(self, settings):
        """[z, label] -> one float32 parameter of p(x|z, y) for each entry of x."""
        z = keras.Input((settings.latent_dim,), name="decoder_z")
        label, code = self.label("decoder_label")
        both = layers.Concatenate(name="z_and_label")([z, code])
        body = settings.replace(latent_dim=both.shape[-1], suffix="_body")
        return keras.Model([z, label], self.network.decoder(body)(both), name="decoder")

    def prior(self, settings):
        """label -> prior_mean and prior_precision, (batch, latent_dim): first 0 and 1.

        Both are linear in the code, the precision in its logarithm.
        """
        label, code = self.label("prior_label")
        activations = {"prior_mean": "linear", "prior_precision": "exponential"}
        outputs = {
            name: layers.Dense(
                settings.latent_dim,
                activation,
                kernel_initializer="zeros",
                dtype="float32",
                name=f"label_{name}",
            )(code)
            for name, activation in activations.items()
        }
        return settings.half(label, outputs, "prior")


@keras.saving.register_keras_serializable(PACKAGE)
class OneHot(layers.Layer):
    """Integer labels 0 .. n_labels - 1 as unit vectors: (batch,) -> (batch, n_labels).

    Labels are checked outside the graph, by `models.blocks.model.VAE`.
    """

    def __init__(self, n_labels, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.n_labels = n_labels

    def call(self, label):
        return ops.one_hot(ops.cast(label, "int32"), self.n_labels)

    def compute_output_shape(self, label_shape):
        return (*label_shape, self.n_labels)

    def get_config(self):
        return {**super().get_config(), "n_labels": self.n_labels}


@keras.saving.register_keras_serializable(PACKAGE)
class ForEachDraw(layers.Layer):
    """Repeats labels for each draw of z, stacked as `Sampling` stacks them.

    Input: label, (batch, ...); z, (n_samples * batch, latent_dim).
    Output: (n_samples * batch, ...).
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, label, z):
        draws = ops.shape(z)[0] // ops.shape(label)[0]
        return ops.tile(label, (draws, *[1] * (len(label.shape) - 1)))

    def compute_output_shape(self, label_shape, z_shape=None):
        return (None, *label_shape[1:])

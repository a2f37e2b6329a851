"""The decoder, fast enough to follow a slider."""

import keras
import numpy as np

from models.blocks.inputs import to_float, with_label


class Decoder:
    """z -> the mean of p(x|z), as any round has it.

    Decoder and mean are one model here, called on a batch as it comes: a third of a
    millisecond for a row, where `model.decode`, made for many rows, takes 40 or more on
    TensorFlow.

    Args:
        model: the VAE, whose weights this sets as it needs them.
        weights: round -> the weights of the VAE.
    """

    def __init__(self, model, weights):
        self.model, self.weights = model, weights
        self.round = None
        half = model.get_layer("decoder")
        mean = model.get_layer("x_mean")(half.output)
        self.mean = keras.Model(half.input, mean)

    def __call__(self, z, round, label=None):
        """(n, latent_dim), and a conditional model's label -> (n, *input_shape)."""
        if round != self.round:
            self.model.set_weights(self.weights[round])
            self.round = round
        inputs = with_label(self.model, to_float(z), label)
        return np.asarray(self.mean.predict_on_batch(inputs), np.float32)

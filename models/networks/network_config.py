"""What the networks of a variant are built from, checked."""

import copy
import random

import keras
import numpy as np

# The layers that every variant has, and the inputs of one that listens.
CONTRACT = {"x", "prior_mean", "prior_precision", "encoder", "z", "decoder", "x_mean"}
CONTRACT |= {"log_likelihood", "kl", "elbo", "label", "prior", "binarize"}


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
        network: the bodies of encoder and decoder (`models.networks`).
    """

    def __init__(self, input_shape, latent_dim, hidden_dims, activation, seed, network):
        if isinstance(input_shape, int):
            input_shape = (input_shape,)
        self.input_shape = positive_integers("input_shape", input_shape)
        (self.latent_dim,) = positive_integers("latent_dim", (latent_dim,))
        self.hidden_dims = positive_integers("hidden_dims", hidden_dims, at_least=0)
        self.activation = keras.activations.get(activation)
        if not (seed is None or isinstance(seed, int)) or (seed or 0) < 0:
            raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
        self.seeds = seed_stream(random.getrandbits(32) if seed is None else seed)
        self.network = with_two_halves(network)
        self.names = set(CONTRACT)
        self.suffix = ""  # of the names of the halves

    def replace(self, **changes):
        """The same, and the same seeds and names, but for these."""
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def half(self, inputs, outputs, name):
        """The `keras.Model` of this name, whose layers' names nothing else bears.

        Two layers of one name would share a variable path, and on torch one of them
        would then silently keep its gradients from step to step. Layers inside a layer
        may repeat a name where the paths of their weights do not.

        Raises ValueError if a name or path is taken in the whole model, or the outputs
        do not follow from the inputs.
        """
        try:
            model = keras.Model(inputs, outputs, name=name + self.suffix)
        except ValueError as error:
            raise ValueError(f"the {name} is no model: {error}") from error
        layers, weights = model.layers, model.weights
        for taken in [layer.name for layer in layers] + [w.path for w in weights]:
            if taken in self.names:
                raise ValueError(
                    "every layer of the whole model must have a name of its own. "
                    f"Received: {taken!r} once more, in the {name}"
                )
            self.names.add(taken)
        return model

    def like_x(self, h):
        """Gives h, (batch, ...) of as many entries, the shape of x, and float32."""
        shape = self.input_shape
        return keras.layers.Reshape(shape, dtype="float32", name="decoder_shape")(h)


def with_two_halves(network):
    """The network, or a ValueError if it lacks the methods of one."""
    methods = [getattr(network, name, None) for name in ("encoder", "decoder")]
    if isinstance(network, type) or not all(map(callable, methods)):
        raise ValueError(
            "network must be an object with the methods encoder(settings) and "
            f"decoder(settings), such as networks.MLP(). Received: network={network!r}"
        )
    return network


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

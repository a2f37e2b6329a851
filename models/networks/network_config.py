"""Sizes, seeds and names that the encoder and the decoder of a model are built from."""

import copy
import random

import keras

from models.blocks.component import Context, seed_stream
from models.checks import check_integers
from models.networks.mlp import MLP

# The names of the other layers and inputs of a model.
RESERVED = {"x", "label", "prior_mean", "prior_precision", "encoder", "decoder"}
RESERVED |= {"posterior", "prior", "likelihood", "objective", "observation"}
RESERVED |= {"fold_samples", "repeat_label", "first_sample"}


class NetworkConfig:
    """What the networks of a model are built from, checked.

    Args:
        input_shape: the shape of one example, flat (d,) or an image's (h, w[, c]).
        latent_dim: the number of dimensions of z.
        hidden_dims: widths of the encoder's hidden layers; the decoder mirrors them.
        activation: of the hidden layers, a name or function that Keras knows.
        seed: an integer, or `None` for one from Python's `random`, which
            `keras.utils.set_random_seed` seeds. Initial weights, noise and the order of
            the data all follow from it.
        network: what makes the encoder and the decoder: see `models.networks`.

    Attributes:
        n_parameters: how many parameters of p(x|z) the decoder returns for an entry of
            x; where they are several, on a last axis.

    Raises:
        ValueError: one of the arguments, with what was expected and received.
    """

    def __init__(self, input_shape, latent_dim, hidden_dims, activation, seed, network):
        if isinstance(input_shape, int):
            input_shape = (input_shape,)
        self.input_shape = check_integers("input_shape", input_shape)
        (self.latent_dim,) = check_integers("latent_dim", (latent_dim,))
        self.hidden_dims = check_integers("hidden_dims", hidden_dims, at_least=0)
        self.activation = keras.activations.get(activation)
        if not (seed is None or isinstance(seed, int)) or (seed or 0) < 0:
            raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
        self.seeds = seed_stream(random.getrandbits(32) if seed is None else seed)
        self.network = check_network(network)
        self.names = set(RESERVED)
        self.suffix = ""  # of the names of the submodels
        self.n_parameters = 1

    def replace(self, **changes) -> "NetworkConfig":
        """The same, with the same stream of seeds and set of names, but for these."""
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def context(self) -> Context:
        """What the components of the model take from it."""
        return Context(
            self.input_shape,
            self.latent_dim,
            self.seeds,
            lambda: kernel_initializer(self.network, next(self.seeds)),
        )

    def submodel(self, inputs, outputs, name: str) -> keras.Model:
        """The `keras.Model` of this name, whose layers have names of their own.

        Two layers of one name would share a variable path, and on torch one of them
        would then silently keep its gradients from step to step. Layers inside a layer
        may repeat a name where the paths of their weights do not.

        Raises ValueError if a name or path is used already in the whole model, or the
        outputs do not follow from the inputs.
        """
        try:
            model = keras.Model(inputs, outputs, name=name + self.suffix)
        except ValueError as error:
            raise ValueError(f"the {name} is no model: {error}") from error
        paths = [layer.name for layer in model.layers] + [w.path for w in model.weights]
        for path in paths:
            if path in self.names:
                raise ValueError(
                    "every layer of the whole model must have a name of its own. "
                    f"Received: {path!r} a second time, in the {name}"
                )
            self.names.add(path)
        return model

    @property
    def output_shape(self) -> tuple:
        """The shape of the decoder's output for one example."""
        several = (self.n_parameters,) if self.n_parameters > 1 else ()
        return self.input_shape + several

    def reshape_like_x(self, h):
        """h, (batch, ...) of as many entries, as the decoder returns it, in float32."""
        reshape = keras.layers.Reshape
        return reshape(self.output_shape, dtype="float32", name="decoder_shape")(h)


def check_network(network):
    """The network; ValueError if it lacks the methods of one."""
    methods = [getattr(network, name, None) for name in ("encoder", "decoder")]
    if isinstance(network, type) or not all(map(callable, methods)):
        raise ValueError(
            "network must be an object with the methods encoder(config) and "
            f"decoder(config), such as networks.MLP(). Received: network={network!r}"
        )
    return network


def kernel_initializer(network, seed: int):
    """That of the network, or of the one inside it; else Glorot's uniform."""
    while not hasattr(network, "kernel_initializer"):
        network = getattr(network, "network", MLP())
    return network.kernel_initializer(seed)

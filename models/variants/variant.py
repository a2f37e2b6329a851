"""What every `build` shares: the arguments of the networks, and the assembling."""

import functools
import inspect
from dataclasses import dataclass

from models.blocks.likelihoods import Likelihood
from models.blocks.objectives import Objective
from models.blocks.posteriors import Posterior
from models.blocks.priors import Prior
from models.blocks.vae import VAE, assemble
from models.networks import MLP, Conditional, NetworkConfig

ARGUMENTS = """
    input_shape: the shape of one example: (d,), or an image's (h, w) or (h, w, c).
    latent_dim: the number of dimensions of z.
    hidden_dims: the widths of the encoder's hidden layers; the decoder mirrors them.
    network: what makes the encoder and the decoder, an object of `models.networks`:
        `MLP()`, `Conv()`, `FromFunctions(build_encoder, build_decoder)`, `Augmented()`,
        or one of your own with the methods that are described there.
    activation: of the hidden layers; a name or function that Keras knows.
    kl_weight: what multiplies the KL (Serket's alpha, the beta of the beta-VAE): a
        number, or a schedule by epoch from `models.blocks.schedules`.
    n_samples: draws of z for each example in one training step.
    seed: decides initial weights, noise and the order of the data. `None` takes one
        from Python's `random`, which `keras.utils.set_random_seed` seeds.

Returns:
    A model that is not compiled yet: `compile(optimizer)` needs no loss.

Raises:
    ValueError: one of the arguments, with what was expected and received.
"""


@dataclass(frozen=True)
class Components:
    """What makes a variant.

    Attributes:
        posterior: q(z|x).
        prior: p(z).
        likelihood: p(x|z).
        objective: what `fit` maximises.
        takes_message: whether p(z) takes a message.
        labels: (n_labels, label_dim) where the networks take a label too.
    """

    posterior: Posterior
    prior: Prior
    likelihood: Likelihood
    objective: Objective
    takes_message: bool = False
    labels: tuple | None = None


def variant(choose):
    """Decorates a function of a variant's own arguments that returns `Components`.

    The result is `build(input_shape, latent_dim, ...) -> VAE`, with the arguments of
    the networks and those of the function, and a docstring that has them all.
    """

    def build(
        input_shape: tuple,
        latent_dim: int = 2,
        hidden_dims: tuple = (512,),
        *,
        network=MLP(),  # noqa: B008, it is frozen
        activation="relu",
        seed: int | None = None,
        **own,
    ) -> VAE:
        chosen = vars(choose(**own)).copy()
        labels = chosen.pop("labels")
        network = Conditional(network, *labels) if labels else network
        sizes = input_shape, latent_dim, hidden_dims
        return assemble(NetworkConfig(*sizes, activation, seed, network), **chosen)

    own = inspect.signature(choose).parameters.values()
    shared = inspect.signature(build)
    *parameters, _ = shared.parameters.values()
    parameters = [*parameters[:3], *own, *parameters[3:]]
    functools.update_wrapper(build, choose)
    build.__signature__ = shared.replace(parameters=parameters)
    doc = inspect.getdoc(choose)
    build.__doc__ = doc + ("" if "\nArgs:\n" in doc else "\n\nArgs:") + ARGUMENTS
    return build

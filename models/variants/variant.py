"""What every `build` shares: the arguments and the components of the plain VAE."""

import functools
import inspect
from dataclasses import dataclass

from models.blocks import real_likelihoods  # noqa: F401, which `likelihood` may be
from models.blocks.count_likelihoods import CountLikelihood
from models.blocks.likelihoods import Bernoulli, Likelihood
from models.blocks.objectives import ELBO, Objective
from models.blocks.posteriors import DiagonalGaussian, Posterior
from models.blocks.priors import Prior, StandardNormal
from models.blocks.schedules import Weight
from models.blocks.vae import VAE, assemble
from models.networks import MLP, Conditional, Logarithmic, NetworkConfig

LIKELIHOOD = """
    likelihood: p(x|z). `None` is `Bernoulli()`."""
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
    """What makes a variant: where it differs from the VAE of Kingma and Welling (2014).

    Attributes:
        posterior: q(z|x); `None` is `DiagonalGaussian(n_samples)`.
        prior: p(z); `None` is `StandardNormal()`.
        likelihood: p(x|z); `None` is the argument `likelihood`, or `Bernoulli()`.
        objective: what `fit` maximises; `None` is `ELBO(kl_weight)`.
        takes_message: whether p(z) takes a message.
        labels: (n_labels, label_dim) where the networks take a label too.
    """

    posterior: Posterior | None = None
    prior: Prior | None = None
    likelihood: Likelihood | None = None
    objective: Objective | None = None
    takes_message: bool = False
    labels: tuple | None = None


def build_vae(
    chosen: Components,
    input_shape: tuple,
    latent_dim: int = 2,
    hidden_dims: tuple = (512,),
    *,
    likelihood: Likelihood | None = None,
    kl_weight: Weight = 1.0,
    n_samples: int = 1,
    network=MLP(),  # noqa: B008, it is frozen
    activation="relu",
    seed: int | None = None,
) -> VAE:
    """The VAE of the components that a variant chose, and of the shared arguments."""
    likelihood = chosen.likelihood or likelihood or Bernoulli()
    if isinstance(likelihood, CountLikelihood):
        network = Logarithmic(network)
    network = Conditional(network, *chosen.labels) if chosen.labels else network
    sizes = input_shape, latent_dim, hidden_dims
    return assemble(
        NetworkConfig(*sizes, activation, seed, network),
        posterior=chosen.posterior or DiagonalGaussian(n_samples),
        prior=chosen.prior or StandardNormal(),
        likelihood=likelihood,
        objective=chosen.objective or ELBO(kl_weight),
        takes_message=chosen.takes_message,
    )


def variant(choose=None, *, takes_likelihood=False):
    """Decorates a function of a variant's own arguments that returns `Components`.

    The result is `build(input_shape, latent_dim, ...) -> VAE`, with the arguments that
    all variants share and those of the function, and a docstring that has them all.

    Args:
        choose: the function. A shared argument that it names, `kl_weight` or
            `n_samples`, has the default that it has there.
        takes_likelihood: whether `likelihood` is one of the shared arguments.
    """
    if choose is None:
        return functools.partial(variant, takes_likelihood=takes_likelihood)
    own = dict(inspect.signature(choose).parameters)
    _, *shared = inspect.signature(build_vae).parameters.items()
    places, options = dict(shared[:3]), dict(shared[3:])
    if not takes_likelihood:
        del options["likelihood"]
    new = {name: own[name] for name in own if name not in options}
    parameters = places | new | options | own
    signature = inspect.Signature(parameters.values(), return_annotation=VAE)

    @functools.wraps(choose)
    def build(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        chosen = choose(**{name: given.pop(name) for name in own if name in given})
        return build_vae(chosen, **given)

    build.__signature__ = signature
    doc = inspect.getdoc(choose)
    doc += "" if "\nArgs:\n" in doc else "\n\nArgs:"
    build.__doc__ = doc + LIKELIHOOD * takes_likelihood + ARGUMENTS
    return build

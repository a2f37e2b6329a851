"""The beta-VAE: the KL weighs more, or is held near a capacity that grows.

Higgins et al. (2017), "beta-VAE: learning basic visual concepts with a constrained
variational framework"; Burgess et al. (2018), "Understanding disentangling in
beta-VAE".
"""

from models.blocks.layers import ELBO
from models.blocks.model import VAE, check_elbo
from models.variants import bernoulli


def weigh(model, kl_weight=4.0, capacity=None):
    """The same model, same weights, with another weight of the KL, or a capacity.

    Its objective is E_q[log p(x|z)] - kl_weight KL(q(z|x) || p(z)), or, with a capacity
    of C nats, E_q[log p(x|z)] - kl_weight |KL(q(z|x) || p(z)) - C|.

    Args:
        model: any variant whose objective is the ELBO.
        kl_weight: beta; with a capacity Burgess's gamma, of which he takes 1000.
        capacity: a number or a schedule, in nats, e.g. `LinearWarmUp(epochs, 25.0)`.

    Raises ValueError if its objective is another one, such as `models.iwae`'s, whose
    own `build` takes the weight.
    """
    check_elbo(model, "be weighed", "give the kl_weight to its own build")
    elbo = ELBO(kl_weight, capacity, name="elbo")
    terms = model.output["log_likelihood"], model.output["kl"]
    return VAE(model.input, {**model.output, "elbo": elbo(*terms)}, name=model.name)


def build(*args, kl_weight=4.0, capacity=None, **kwargs):
    """The Bernoulli VAE, weighed; other arguments are `models.bernoulli.build`'s."""
    return weigh(bernoulli.build(*args, **kwargs), kl_weight, capacity)

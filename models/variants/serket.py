"""The Serket VAE: the prior mean of each datum comes as a message from another model.

Nakamura, Nagai and Taniguchi (2018), "SERKET: an architecture for connecting
stochastic models to realize a large-scale cognitive model".
"""

import keras

from models.blocks.layers import GaussianKL
from models.blocks.model import VAE
from models.variants import bernoulli, iwae


def listen(model):
    """The same model, same weights, with the prior p(z_n) = N(m_n, diag 1 / L_n).

    Its objective is E_q[log p(x|z)] - kl_weight KL(q(z|x) || N(m_n, diag 1 / L_n)). The
    message comes in two further inputs, `prior_mean` m_n and `prior_precision` L_n,
    each (batch, latent_dim); m = 0 and L = 1 give back the model that does not listen.

    Args:
        model: any variant whose posterior is Gaussian.

    Raises:
        ValueError: the model listens already, learns its prior, or its posterior is not
            Gaussian, so that KL(q || N(m, 1 / L)) is not its KL term.
    """
    q = model.output
    if "prior_mean" in model.input:
        raise ValueError(
            "model listens already: it has the inputs prior_mean and prior_precision. "
            "Received: " + ", ".join(model.input)
        )
    if not {"z_mean", "z_log_var"} <= set(q) or not isinstance(
        model.get_layer("kl"), GaussianKL
    ):
        raise ValueError(
            "model cannot listen: a message is a Gaussian prior, so its posterior must "
            "be Gaussian, with the outputs z_mean and z_log_var and a GaussianKL layer "
            f"named kl. Received: the outputs {', '.join(q)} and a "
            f"{type(model.get_layer('kl')).__name__} layer"
        )
    if any(layer.name == "prior" for layer in model.layers):
        raise ValueError(
            "model cannot listen: it learns a prior of its own from the labels, which "
            "a message would replace. Received: a model with a layer named prior"
        )
    shape = q["z_mean"].shape[1:]
    message = {
        name: keras.Input(shape, name=name)
        for name in ("prior_mean", "prior_precision")
    }

    # p(z_n) = N(prior_mean_n, diag 1 / prior_precision_n)
    kl = model.get_layer("kl")(q["z_mean"], q["z_log_var"], *message.values())
    draws = iwae.draws_under(model, message)  # of the ELBO none
    elbo = model.get_layer("elbo")(q["log_likelihood"], kl, *draws)

    outputs = {**q, "kl": kl, "elbo": elbo}
    return VAE({**model.input, **message}, outputs, name=model.name)


def build(*args, **kwargs):
    """The Bernoulli VAE that listens; its arguments are `models.bernoulli.build`'s."""
    return listen(bernoulli.build(*args, **kwargs))

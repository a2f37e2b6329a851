"""The Serket VAE: its prior comes as a message from another probabilistic model.

Nakamura, Nagai and Taniguchi (2018), "SERKET: an architecture for connecting
stochastic models to realize a large-scale cognitive model".
"""

from models.blocks.vae import VAE
from models.deprecated import renamed
from models.variants.variant import Components, variant

SOURCE = "Nakamura et al. 2018"


@variant(takes_likelihood=True)
def build() -> Components:
    """The VAE with the prior p(z_n) = N(m_n, diag 1 / L_n) for each example n.

    It maximises E_q[log p(x|z)] - kl_weight KL(q(z|x) || N(m_n, diag 1 / L_n)). The
    message is in two further inputs, `prior_mean` m and `prior_precision` L, each
    (batch, latent_dim); with m = 0 and L = 1 it is the model that takes no message.
    """
    return Components(takes_message=True)


def with_prior_message(model: VAE) -> VAE:
    """The same model, weights shared, whose prior takes a message (`blocks.priors`).

    Raises:
        ValueError: it takes one already, or the prior supports none.
    """
    if model.takes_message:
        raise ValueError(
            "model must not take a message yet. Received: a model with the inputs "
            f"{', '.join(model.input)}"
        )
    return model.replace(takes_message=True)


listen = renamed("models.serket.listen", with_prior_message)

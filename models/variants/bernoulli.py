"""The Bernoulli VAE: binary cross-entropy on logits (Kingma and Welling, 2014)."""

from models import networks
from models.blocks.likelihoods import Bernoulli
from models.blocks.objectives import ELBO
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import StandardNormal
from models.blocks.schedules import Weight
from models.blocks.vae import VAE, assemble

SOURCE = "Kingma and Welling 2014"


def build(
    input_shape: tuple,
    latent_dim: int = 2,
    hidden_dims: tuple = (512,),
    *,
    binarize: bool = False,
    network=networks.MLP(),  # noqa: B008, it is frozen
    activation="relu",
    kl_weight: Weight = 1.0,
    n_samples: int = 1,
    seed: int | None = None,
) -> VAE:
    """The VAE with p(x|z) = Bernoulli(sigmoid(logits)), for x in [0, 1].

    Args:
        binarize: whether each entry of x is a probability, from which 0 or 1 is drawn
            again in every step (dynamic binarisation, the usual protocol on MNIST).

    The other arguments are those of every variant; see `models`.
    """
    config = networks.NetworkConfig(
        input_shape, latent_dim, hidden_dims, activation, seed, network
    )
    return assemble(
        config,
        posterior=DiagonalGaussian(n_samples),
        prior=StandardNormal(),
        likelihood=Bernoulli(binarize),
        objective=ELBO(kl_weight),
    )

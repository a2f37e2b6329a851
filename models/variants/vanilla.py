"""The vanilla VAE: a Gaussian decoder (Kingma and Welling, 2014)."""

from models import networks
from models.blocks.likelihoods import Gaussian, Scale
from models.blocks.objectives import ELBO
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import StandardNormal
from models.blocks.schedules import Weight
from models.blocks.vae import VAE, assemble

SOURCE = "Kingma and Welling 2014; Rybkin et al. 2021"


def build(
    input_shape: tuple,
    latent_dim: int = 2,
    hidden_dims: tuple = (512,),
    *,
    sigma: Scale = 1.0,
    network=networks.MLP(),  # noqa: B008, it is frozen
    activation="relu",
    kl_weight: Weight = 1.0,
    n_samples: int = 1,
    seed: int | None = None,
) -> VAE:
    """The VAE with p(x|z) = N(x_mean, sigma^2 I), for real-valued x.

    Args:
        sigma: the standard deviation of p(x|z), in the units of x. 1.0 is the "MSE" VAE
            of textbooks; `None` learns one scale for all of x (the sigma-VAE of Rybkin
            et al., 2021), and the KL needs no weight of its own.

    The other arguments are those of every variant; see `models`.
    """
    config = networks.NetworkConfig(
        input_shape, latent_dim, hidden_dims, activation, seed, network
    )
    return assemble(
        config,
        posterior=DiagonalGaussian(n_samples),
        prior=StandardNormal(),
        likelihood=Gaussian(sigma),
        objective=ELBO(kl_weight),
    )

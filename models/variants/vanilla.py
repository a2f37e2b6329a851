"""The vanilla VAE: a Gaussian decoder (Kingma and Welling, 2014)."""

from models.blocks.likelihoods import Gaussian, Scale
from models.variants.variant import Components, variant

SOURCE = "Kingma and Welling 2014; Rybkin et al. 2021"


@variant
def build(*, sigma: Scale = 1.0) -> Components:
    """The VAE with p(x|z) = N(x_mean, sigma^2 I), for real-valued x.

    Args:
        sigma: the standard deviation of p(x|z), in the units of x. 1.0 is the "MSE" VAE
            of textbooks; `None` learns one scale for all of x (the sigma-VAE of Rybkin
            et al., 2021), and the KL needs no weight of its own.
    """
    return Components(likelihood=Gaussian(sigma))

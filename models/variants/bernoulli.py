"""The Bernoulli VAE: binary cross-entropy on logits (Kingma and Welling, 2014)."""

from models.blocks.likelihoods import Bernoulli
from models.blocks.objectives import ELBO
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import StandardNormal
from models.blocks.schedules import Weight
from models.variants.variant import Components, variant

SOURCE = "Kingma and Welling 2014"


@variant
def build(
    *,
    binarize: bool = False,
    kl_weight: Weight = 1.0,
    n_samples: int = 1,
) -> Components:
    """The VAE with p(x|z) = Bernoulli(sigmoid(logits)), for x in [0, 1].

    Args:
        binarize: whether each entry of x is a probability, from which 0 or 1 is drawn
            again in every step (dynamic binarisation, the usual protocol on MNIST).
    """
    return Components(
        posterior=DiagonalGaussian(n_samples),
        prior=StandardNormal(),
        likelihood=Bernoulli(binarize),
        objective=ELBO(kl_weight),
    )

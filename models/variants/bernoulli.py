"""The Bernoulli VAE: binary cross-entropy on logits (Kingma and Welling, 2014)."""

from models.blocks.likelihoods import Bernoulli
from models.variants.variant import Components, variant

SOURCE = "Kingma and Welling 2014"


@variant
def build(*, binarize: bool = False) -> Components:
    """The VAE with p(x|z) = Bernoulli(sigmoid(logits)), for x in [0, 1].

    Args:
        binarize: whether each entry of x is a probability, from which 0 or 1 is drawn
            again in every step (dynamic binarisation, the usual protocol on MNIST).
    """
    return Components(likelihood=Bernoulli(binarize))

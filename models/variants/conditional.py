"""The conditional VAE: encoder, decoder and, if wanted, the prior take a label too.

Sohn, Lee and Yan (2015), "Learning structured output representation using deep
conditional generative models". With kl_weight > 1 it is the beta-CVAE.
"""

from models.blocks.priors import LabelGaussian
from models.variants.variant import Components, variant

SOURCE = "Sohn et al. 2015"


@variant(takes_likelihood=True)
def build(
    *, n_labels: int = 10, label_dim: int | None = None, learned_prior: bool = False
) -> Components:
    """The VAE of x given y, with the further input `label`.

    Args:
        n_labels: labels are the integers 0 .. n_labels - 1, (batch,).
        label_dim: if given, labels are real vectors, (batch, label_dim), instead.
        learned_prior: whether p(z|y) is a Gaussian for each label, linear in its code,
            instead of N(0, I) for all.
    """
    return Components(
        prior=LabelGaussian(n_labels, label_dim) if learned_prior else None,
        labels=(n_labels, label_dim),
    )

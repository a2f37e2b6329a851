"""The beta-VAE: the KL has another weight, or is held near a capacity that grows.

Higgins et al. (2017), "beta-VAE: learning basic visual concepts with a constrained
variational framework"; Burgess et al. (2018), "Understanding disentangling in
beta-VAE".
"""

from models.blocks.objectives import ELBO, require_plain_elbo
from models.blocks.schedules import Weight
from models.blocks.vae import VAE
from models.deprecated import renamed
from models.variants.variant import Components, variant

SOURCE = "Higgins et al. 2017; Burgess et al. 2018"


@variant(takes_likelihood=True)
def build(*, capacity: Weight | None = None, kl_weight: Weight = 2.0) -> Components:
    """The VAE that maximises E_q[log p(x|z)] - kl_weight KL(q(z|x) || p(z)).

    With a capacity of C nats it maximises E_q[log p(x|z)] - kl_weight |KL - C|.

    Args:
        capacity: what the KL is held near, in nats: a number or a schedule. Then
            kl_weight is the gamma of Burgess et al., who use 1000, and
            `LinearWarmUp(epochs, 25.0)` is their schedule.
    """
    return Components(objective=ELBO(kl_weight, capacity))


def with_kl_weight(
    model: VAE, kl_weight: Weight = 2.0, capacity: Weight | None = None
) -> VAE:
    """The same model, weights shared, with another weight of the KL, or a capacity.

    Args:
        model: any variant that maximises the ELBO.
        kl_weight: a number or a schedule.
        capacity: a number or a schedule, nats, or `None`.

    Raises:
        ValueError: the objective of the model is another one, which would be lost.
    """
    require_plain_elbo(model.objective, "with_kl_weight")
    return model.replace(objective=ELBO(kl_weight, capacity))


weigh = renamed("models.beta.weigh", with_kl_weight)

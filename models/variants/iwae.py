"""The importance-weighted autoencoder: a tighter bound from several samples of z.

Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders".
"""

from models.blocks.objectives import ImportanceWeighted, require_plain_elbo
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.schedules import Weight
from models.blocks.vae import VAE
from models.deprecated import renamed
from models.variants.variant import Components, variant

SOURCE = "Burda et al. 2016; `doubly_reparameterized`: Tucker et al. 2019"


@variant(takes_likelihood=True)
def build(
    *,
    doubly_reparameterized: bool = False,
    kl_weight: Weight = 1.0,
    n_samples: int = 5,
) -> Components:
    """The VAE that maximises E_q[log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x)].

    k is n_samples; the bound lies between the ELBO and log p(x), in training and in
    evaluation. `log_likelihood` and `kl` are those of the ELBO.

    Args:
        doubly_reparameterized: whether the gradient of the encoder is that of Tucker et
            al. (2019), whose noise does not grow with n_samples; the bound is the same.
    """
    return Components(
        posterior=DiagonalGaussian(n_samples),
        objective=ImportanceWeighted(
            kl_weight, doubly_reparameterized=doubly_reparameterized
        ),
    )


def importance_weighted(model: VAE, doubly_reparameterized: bool = False) -> VAE:
    """The same model, weights shared, with the bound of its posterior's n_samples.

    Args:
        model: any variant that maximises the ELBO; with a capacity, the weighted KL of
            the bound is held near it too.
        doubly_reparameterized: as `build`'s.

    Raises:
        ValueError: the objective of the model is another one, which would be lost; or
            doubly_reparameterized goes with one sample, a capacity or a posterior that
            is no diagonal Gaussian.
    """
    elbo = require_plain_elbo(model.objective, "importance_weighted")
    objective = ImportanceWeighted(
        **elbo.schedules, doubly_reparameterized=doubly_reparameterized
    )
    return model.replace(objective=objective)


tighten = renamed("models.iwae.tighten", importance_weighted)

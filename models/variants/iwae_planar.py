"""The IWAE with planar flows as q(z|x) and a learned mixture as p(z), for messages.

Rezende and Mohamed (2015), "Variational inference with normalizing flows"; Burda et al.
(2016); Nakamura et al. (2018).
"""

import keras
from keras import ops

from models.blocks import densities
from models.blocks.component import register
from models.blocks.objectives import ImportanceWeighted
from models.blocks.posteriors import Flow
from models.blocks.priors import MixturePrior
from models.blocks.schedules import Weight
from models.variants.variant import Components, variant

SOURCE = "Rezende and Mohamed 2015; Burda et al. 2016"


@variant(takes_likelihood=True)
def build(
    *,
    n_flows: int = 4,
    n_gaussians: int = 10,
    kl_weight: Weight = 1.0,
    n_samples: int = 5,
) -> Components:
    """The importance-weighted VAE of a flow and a mixture that takes a message.

    Args:
        n_flows: the number of planar maps of q(z|x).
        n_gaussians: the number of components of p(z).
    """
    return Components(
        posterior=PlanarFlow(n_samples, n_flows),
        prior=LearnedMixture(n_gaussians),
        objective=ImportanceWeighted(kl_weight),
        takes_message=True,
    )


@register
class PlanarFlow(Flow):
    """q(z|x): a diagonal Gaussian through `n_flows` planar maps.

    z ~ N(base_mean, diag exp base_log_var), and for each map

        z' = z + u h,  h = tanh(w.z + b),
        log q(z') = log q(z) - log(1 + (1 - h^2) u.w),

    u, w and b linear in the features; u is moved along w so that u.w > -1 and the map
    can be inverted (equations 10 to 12 and appendix A.1).

    Args:
        n_samples: S, draws of z for each example in a training step.
        n_flows: the number of maps.
        latent_dim: D, or `None` to take the model's.
        seed: of the noise, or `None` to take the next one of the model.
    """

    def __init__(self, n_samples=1, n_flows=4, latent_dim=None, seed=None, **kwargs):
        super().__init__(n_samples, n_flows, latent_dim, seed, **kwargs)

    def head_sizes(self):
        maps = {"u": self.latent_dim, "w": self.latent_dim, "b": 1}
        flows = {f"{k}_{t}": n for t in range(self.n_flows) for k, n in maps.items()}
        return super().head_sizes() | flows

    def flow(self, z, log_q, q):
        for t in range(self.n_flows):
            u, w, b = (q[f"{name}_{t}"] for name in ("u", "w", "b"))
            dot = ops.sum(w * u, axis=-1, keepdims=True)
            square = ops.sum(w * w, axis=-1, keepdims=True) + 1e-6
            u = u + (densities.softplus(dot) - 1.0 - dot) * w / square
            h = ops.tanh(ops.sum(z * w, axis=-1, keepdims=True) + b)
            slope = (1.0 - h[..., 0] ** 2) * ops.sum(u * w, axis=-1)
            z, log_q = z + u * h, log_q - ops.log1p(slope)
        return z, log_q


@register
class LearnedMixture(MixturePrior):
    """p(z) = sum_k w_k N(m_k, diag exp s_k), learned.

    Args:
        n_gaussians: K.
        latent_dim: D, or `None` to take the model's.
    """

    def __init__(self, n_gaussians=10, latent_dim=None, **kwargs):
        super().__init__(latent_dim, **kwargs)
        self.n_gaussians, self.seed_of_means = n_gaussians, None

    def configure(self, context):
        super().configure(context)
        self.seed_of_means = next(context.seeds)

    def build(self, q_shape, conditions_shape=None):
        shape = (self.n_gaussians, self.latent_dim)
        start = keras.initializers.RandomNormal(0.0, 1.0, self.seed_of_means)
        self.log_w = self.add_weight(shape=shape[:1], initializer="zeros", name="log_w")
        self.means = self.add_weight(shape=shape, initializer=start, name="means")
        self.log_vars = self.add_weight(
            shape=shape, initializer="zeros", name="log_vars"
        )

    def components(self):
        log_w = self.log_w - ops.logsumexp(self.log_w)
        return log_w, ops.convert_to_tensor(self.means), ops.exp(-self.log_vars)

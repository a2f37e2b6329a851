"""A posterior that is not Gaussian and a prior without a closed form, for the tests."""

import keras
import numpy as np
from keras import ops

from models.blocks import densities
from models.blocks.component import register
from models.blocks.posteriors import Posterior, standard_noise
from models.blocks.priors import Prior


@register
class SinhPosterior(Posterior):
    """z = a + sinh(b e), e ~ N(0, 1): a flow, log q by the change of variables."""

    def head_sizes(self):
        return {"a": self.latent_dim, "b": self.latent_dim}

    def draw(self, q, n, seed):
        e, b = standard_noise(q["a"], n, seed), ops.softplus(q["b"]) + 0.5
        log_det = ops.sum(ops.log(b) + ops.log(ops.cosh(b * e)), axis=-1)
        log_q = densities.gaussian_log_prob(e, 0.0, ops.zeros(()))
        return q["a"] + ops.sinh(b * e), log_q - log_det

    def point(self, q):
        return q["a"]


@register
class LaplacePrior(Prior):
    """p(z) = prod_d 1/2 exp(-|z_d|)."""

    supports_message = False

    def log_prob(self, z):
        return -ops.sum(ops.abs(z) + np.log(2.0), axis=-1)

    def sample(self, n, seed):
        u = keras.random.uniform((n, self.latent_dim), -1.0, 1.0, seed=seed)
        return -ops.sign(u) * ops.log1p(-ops.abs(u))

"""The VAE with an inverse autoregressive flow as q(z|x).

Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling (2016), "Improving variational
inference with inverse autoregressive flow".
"""

import keras
import numpy as np
from keras import ops

from models.blocks import densities
from models.blocks.component import register
from models.blocks.posteriors import Flow
from models.variants.variant import Components, variant

SOURCE = "Kingma et al. 2016"


@variant(takes_likelihood=True)
def build(*, n_flows: int = 2, flow_dim: int = 64, n_samples: int = 1) -> Components:
    """The VAE whose q(z|x) is a diagonal Gaussian moved by autoregressive maps.

    Args:
        n_flows: the number of maps.
        flow_dim: the width of the hidden layer of each map.
    """
    return Components(posterior=InverseAutoregressive(n_samples, n_flows, flow_dim))


@register
class InverseAutoregressive(Flow):
    """q(z|x): a diagonal Gaussian through `n_flows` inverse autoregressive maps.

    z_0 ~ N(base_mean, diag exp base_log_var), and for each map t

        z_t = g z_(t-1) + (1 - g) m,  g = sigmoid(s),  m, s = MADE_t(z_(t-1), context),
        log q(z_t|x) = log q(z_(t-1)|x) - sum_d log g_d

    with the order of the dimensions reversed after each (equations 10 to 14). MADE is a
    masked network whose output d depends on the dimensions before d, and on the
    context, a linear function of the features (Germain et al., 2015).

    Args:
        n_samples: S, draws of z for each example in a training step.
        n_flows: the number of maps.
        flow_dim: the width of the context, and of the hidden layer of each map.
        latent_dim: D, or `None` to take the model's.
        seed: of the noise, or `None` to take the next one of the model.
    """

    def __init__(
        self, n_samples=1, n_flows=2, flow_dim=64, latent_dim=None, seed=None, **kwargs
    ):
        super().__init__(n_samples, n_flows, latent_dim, seed, **kwargs)
        self.flow_dim = flow_dim

    def head_sizes(self):
        return {**super().head_sizes(), "context": self.flow_dim}

    def configure(self, context):
        super().configure(context)
        for name in self.kernels():
            self.initializers[name] = context.kernel_initializer()

    def kernels(self):
        """The shape of the two kernels of each map, by name."""
        shapes = {"in": (self.latent_dim, self.flow_dim)}
        shapes |= {"out": (self.flow_dim, 2 * self.latent_dim)}
        flows = range(self.n_flows)
        return {f"{name}_{t}": shape for t in flows for name, shape in shapes.items()}

    def build(self, features_shape):
        super().build(features_shape)
        self.maps = {}
        for name, shape in self.kernels().items():
            start = self.initializers.get(name, "glorot_uniform")
            self.maps[name] = self.add_weight(shape=shape, initializer=start, name=name)
        # the gates start near 1, and the flow near the identity
        start = keras.initializers.Constant(2.0)
        shape = (self.n_flows, self.latent_dim)
        self.gates = self.add_weight(shape=shape, initializer=start, name="gates")
        dims = np.arange(1, self.latent_dim + 1)
        hidden = np.arange(self.flow_dim) % self.latent_dim
        self.mask_in = (hidden[None] >= dims[:, None]).astype("float32")
        before = (dims[None] > hidden[:, None]).astype("float32")
        self.mask_out = np.concatenate([before, before], axis=1)

    def flow(self, z, log_q, q):
        for t in range(self.n_flows):
            h = ops.matmul(z, self.maps[f"in_{t}"] * self.mask_in) + q["context"]
            h = ops.matmul(ops.elu(h), self.maps[f"out_{t}"] * self.mask_out)
            m, s = h[..., : self.latent_dim], h[..., self.latent_dim :] + self.gates[t]
            gate = ops.sigmoid(s)
            z = ops.flip(gate * z + (1.0 - gate) * m, axis=-1)
            log_q = log_q + ops.sum(densities.softplus(-s), axis=-1)
        return z, log_q

"""The beta-TC VAE: the total correlation of the latents has a weight of its own.

Chen, Li, Grosse and Duvenaud (2018), "Isolating sources of disentanglement in
variational autoencoders".
"""

from keras import ops

from models.blocks.component import register
from models.blocks.densities import gaussian_log_prob
from models.blocks.objectives import ELBO
from models.blocks.schedules import Weight
from models.variants.variant import Components, variant

SOURCE = "Chen et al. 2018"


@variant(takes_likelihood=True)
def build(*, beta: float = 6.0, kl_weight: Weight = 1.0) -> Components:
    """The VAE that maximises E_q[log p(x|z)] - kl_weight KL - (beta - 1) TC(z).

    Args:
        beta: the weight of the total correlation; 1 is the VAE.
    """
    return Components(objective=TotalCorrelation(kl_weight, beta=beta))


@register
class TotalCorrelation(ELBO):
    """E_q[log p(x|z)] - kl_weight KL(q(z|x) || p(z)) - (beta - 1) TC(z).

    The total correlation is TC = E[log q(z) - sum_d log q(z_d)], in nats. q(z) is the
    mean of q(z|x) over the N rows of the training data, estimated in a batch of M + 1
    by stratified sampling (appendix C.2): the row that z was drawn from has the weight
    1/N, one other (N - M) / (N M), and the rest 1/M.

    Args:
        kl_weight, capacity: as `ELBO`'s.
        beta: the weight of the total correlation.
    """

    reports = ("log_likelihood", "kl", "total_correlation")

    def __init__(self, kl_weight=1.0, capacity=None, beta=6.0, **kwargs):
        super().__init__(kl_weight, capacity, **kwargs)
        self.beta = beta

    def build(self, terms_shape):
        super().build(terms_shape)
        self.n_rows = self.add_weight(
            name="n_rows", initializer="ones", trainable=False
        )

    def start_fit(self, n_rows):
        self.n_rows.assign(n_rows)

    def transform(self, q):
        if not {"z_mean", "z_log_var"} <= set(q):
            raise ValueError(
                "TotalCorrelation needs a diagonal Gaussian posterior, whose density "
                f"is known at any z. Received: a posterior with {', '.join(q)}"
            )
        return q

    def call(self, terms):
        z, mean, log_var = terms["z"][0], terms["z_mean"], terms["z_log_var"]
        # log q(z_i|x_j) by dimension, (B, B, D)
        each = gaussian_log_prob(
            z[:, None, :, None], mean[..., None], log_var[..., None]
        )
        log_w = ops.log(self.row_weights(ops.shape(z)[0]))
        log_q = ops.logsumexp(log_w + ops.sum(each, axis=-1), axis=1)
        marginals = ops.sum(ops.logsumexp(log_w[..., None] + each, axis=1), axis=-1)
        elbo, correlation = super().call(terms), log_q - marginals
        objective = elbo["objective"] - (self.beta - 1.0) * correlation
        return elbo | {"objective": objective, "total_correlation": correlation}

    def row_weights(self, batch):
        """The weight of row j in q(z_i), (batch, batch); each row sums to 1."""
        size = ops.cast(batch, "float32")
        n, m = ops.maximum(self.n_rows, size), ops.maximum(size - 1.0, 1.0)
        n = ops.where(size > 1.0, n, 1.0)  # of a batch of one row all weight is its own
        i = ops.arange(batch)
        own, other = i[:, None] == i, (i[:, None] + 1) % batch == i
        return ops.where(own, 1.0 / n, ops.where(other, (n - m) / (n * m), 1.0 / m))

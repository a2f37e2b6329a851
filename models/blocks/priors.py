"""p(z): its density, its samples, and the KL to it in closed form where there is one.

A model may take a message, a Gaussian N(m_n, diag 1 / L_n) for each example n, from
another probabilistic model. Its prior is then

    p(z_n) prop. to p(z) N(z; m_n, diag 1 / L_n) / N(z; 0, I),

so that the message N(0, I), "nothing sent yet", leaves p(z) as it is, and a prior
N(0, I) becomes the message itself (Nakamura et al., 2018).
"""

import math

import keras
from keras import layers, ops

from models.blocks import densities
from models.blocks.component import Component, register

MESSAGE = ("prior_mean", "prior_precision")
MIN_PRECISION = 1e-2  # of p(z) with a message that is wider than N(0, I)


class Prior(Component):
    """p(z), a layer: (q, conditions) -> {"log_pz": (S, B), "kl": (B,)}, nats.

    Subclasses give `log_prob` and `sample`.

    Args:
        latent_dim: D, or `None` to take the model's.

    `q` is what a `Posterior` returns; `conditions` holds the further inputs of the
    model: those that the attribute `conditions` names, and `prior_mean` and
    `prior_precision`, (B, D), where the model takes a message.
    """

    role = "prior"
    conditions = ()  # names of further inputs of the model that p(z) depends on
    supports_message = True

    def __init__(self, latent_dim=None, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = latent_dim

    def configure(self, context):
        self.latent_dim = self.latent_dim or context.latent_dim

    def log_prob(self, z, **conditions):
        """log p(z), (..., B, D) -> (..., B), nats."""
        raise NotImplementedError

    def sample(self, n: int, seed: int, **conditions):
        """n draws from p(z), (n, D); of conditions there is a row for each draw."""
        raise NotImplementedError

    def kl(self, q: dict, **conditions):
        """KL(q(z|x) || p(z)) in closed form, (B,), or `None` where there is none."""
        return None

    def bind(self, encoder, posterior) -> None:
        """Receives the encoder and the posterior of the model, without owning them."""

    def call(self, q, conditions):
        log_pz, kl = self.log_prob(q["z"], **conditions), self.kl(q, **conditions)
        if kl is None:
            kl = ops.mean(q["log_q"] - log_pz, axis=0)
        return {"log_pz": log_pz, "kl": kl}

    def compute_output_spec(self, q, conditions):
        n, batch, _ = q["z"].shape
        return {"log_pz": self.spec(n, batch), "kl": self.spec(batch)}


class GaussianPrior(Prior):
    """p(z) = N(mean, diag 1 / precision). Subclasses give `moments` only."""

    def moments(self, **conditions) -> tuple:
        """Mean and precision of p(z), with the message: (B, D) or a scalar, each."""
        raise NotImplementedError

    def log_prob(self, z, **conditions):
        mean, precision = self.moments(**conditions)
        return densities.gaussian_log_prob(z, mean, -ops.log(precision))

    def kl(self, q, **conditions):
        if not {"z_mean", "z_log_var"} <= set(q):
            return None
        moments = self.moments(**conditions)
        return densities.gaussian_kl(q["z_mean"], q["z_log_var"], *moments)


@register
class StandardNormal(GaussianPrior):
    """p(z) = N(0, I); with a message, N(prior_mean_n, diag 1 / prior_precision_n).

    Args:
        latent_dim: D, or `None` to take the model's.
    """

    def moments(self, prior_mean=0.0, prior_precision=1.0):
        return prior_mean, prior_precision


@register
class LabelGaussian(GaussianPrior):
    """p(z|y) = N(m(y), diag exp(s(y))), m and -s linear in the code of the label.

    Args:
        n_labels: labels are the integers 0 .. n_labels - 1, (B,), unless there is
        label_dim: they are real vectors, (B, label_dim).
        latent_dim: D, or `None` to take the model's.

    At the start it is N(0, I) for every label (Sohn et al., 2015).
    """

    conditions = ("label",)

    def __init__(self, n_labels=10, label_dim=None, **kwargs):
        super().__init__(**kwargs)
        self.n_labels, self.label_dim = n_labels, label_dim

    def build(self, q_shape, conditions_shape=None):
        code = self.label_dim or self.n_labels
        make = {"kernel_initializer": "zeros", "dtype": "float32"}
        self.mean = layers.Dense(self.latent_dim, name="mean", **make)
        make |= {"activation": "exponential"}
        self.precision = layers.Dense(self.latent_dim, name="precision", **make)
        for head in (self.mean, self.precision):
            head.build((None, code))

    def moments(self, label, **message):
        if self.label_dim is None:
            label = ops.one_hot(ops.cast(label, "int32"), self.n_labels)
        moments = self.mean(label), self.precision(label)
        return times_message(*moments, **message) if message else moments


class MixturePrior(Prior):
    """p(z) = sum_k w_k N(mean_k, diag 1 / precision_k). Subclasses give `components`.

    With a message it is again a mixture: each Gaussian is multiplied with it, and its
    weight with the integral of that product.
    """

    def components(self) -> tuple:
        """log w, (K,); means, (K, D); precisions, (K, D)."""
        raise NotImplementedError

    def given(self, prior_mean=None, prior_precision=None):
        """Those of each example: (B, K), (B, K, D), (B, K, D), or with B = 1."""
        log_w, mean, precision = (part[None] for part in self.components())
        if prior_mean is None:
            return log_w - ops.logsumexp(log_w, -1, keepdims=True), mean, precision
        m, p = times_message(
            mean, precision, prior_mean[:, None], prior_precision[:, None]
        )
        ratio = ops.log(precision) - ops.log(p) + p * m**2 - precision * mean**2
        log_w = log_w + 0.5 * ops.sum(ratio, axis=-1)
        return log_w - ops.logsumexp(log_w, axis=-1, keepdims=True), m, p

    def log_prob(self, z, **message):
        log_w, mean, precision = self.given(**message)
        each = densities.gaussian_log_prob(z[..., None, :], mean, -ops.log(precision))
        return ops.logsumexp(log_w + each, axis=-1)

    def sample(self, n, seed, **message):
        log_w, mean, precision = self.given(**message)
        seeds = keras.random.SeedGenerator(seed)
        log_w = ops.broadcast_to(log_w, (n, log_w.shape[-1]))
        k = keras.random.categorical(log_w, 1, seed=seeds)[:, :, None]
        mean, precision = (
            ops.take_along_axis(ops.broadcast_to(a, (n, *a.shape[1:])), k, axis=1)[:, 0]
            for a in (mean, precision)
        )
        noise = keras.random.normal(mean.shape, dtype="float32", seed=seeds)
        return mean + noise / ops.sqrt(precision)


def times_message(mean, precision, prior_mean, prior_precision):
    """Mean and precision of N(mean, 1 / precision) N(m, 1 / L) / N(0, 1), by entry.

    p = precision + L - 1, and p times the mean is precision * mean + L m. A message
    wider than N(0, 1) may leave no density: p is at least `MIN_PRECISION`.
    """
    p = ops.maximum(precision + prior_precision - 1.0, MIN_PRECISION)
    return (precision * mean + prior_precision * prior_mean) / p, p


def log_uniform(k):
    """The logarithms of k equal weights, (k,)."""
    return ops.full((k,), -math.log(k))

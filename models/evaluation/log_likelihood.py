"""How probable a model finds data: log p(x) by importance sampling, and its bounds."""

from dataclasses import dataclass

import keras
import numpy as np

from models.blocks.densities import gaussian_kl, gaussian_log_ratio


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Of each datum, nats, (n,).

    log_px: log 1/k sum_i w_i with w_i = p(x|z_i) p(z_i) / q(z_i|x), z_i ~ q(z|x): an
        estimate of log p(x), and its expectation a lower bound of it that rises with k
        (Burda et al. 2016).
    error: its standard error from the draws, by the delta method: the deviation of the
        weights over their mean and the root of k.
    log_likelihood: E_q[log p(x|z)], over the same draws.
    kl: KL(q(z|x) || p(z)), in closed form; over the draws where p(z) is no Gaussian.
    elbo: log_likelihood - kl, whatever weight the KL had in training.
    """

    log_px: np.ndarray
    error: np.ndarray
    log_likelihood: np.ndarray
    kl: np.ndarray

    @property
    def elbo(self):
        return self.log_likelihood - self.kl

    @property
    def mean_error(self):
        """Of the mean of log_px over the data, from the draws."""
        return float(np.sqrt(np.sum(self.error**2)) / len(self.error))


def likelihood(
    model, x, label=None, *, n_samples=500, log_prior=None, seed=0, rows=4096, tick=None
):
    """The `Likelihood` of data, in chunks of constant memory.

    Args:
        model: any VAE of the zoo; a Gaussian q(z|x).
        x: (n, *input_shape). label: of a conditional model, one a row.
        n_samples: k, draws of z for each datum.
        log_prior: log p(z), nats, a function (m, latent_dim) -> (m,), such as
            `Mixture.log_prob`; `None` is the model's own prior, N(0, I) or p(z|y).
        seed: as `numpy.random.default_rng` takes it.
        rows: how many z are decoded at a time.
        tick: called with the number of data that are done, after each chunk.
    """
    z_mean, z_log_var = model.encode(x, label)
    prior = model.prior_moments(len(x), label)
    log_px_given = LogPxGivenZ(model)
    rng = np.random.default_rng(seed)
    size = max(1, min(len(x), rows // n_samples or 16))
    chunks = []
    for first in range(0, len(x), size):
        part = slice(first, first + size)
        q = z_mean[part], z_log_var[part]
        p = [each[part] for each in prior]
        data = x[part], None if label is None else label[part]
        weights = LogWeights()
        for draws in in_parts(n_samples, max(1, rows // size)):
            noise = rng.standard_normal((draws, *q[0].shape), np.float32)
            z = q[0] + np.exp(q[1] / 2) * noise
            if log_prior is None:
                log_ratio = numpy(gaussian_log_ratio(z, *q, *p))
            else:
                log_ratio = log_density(noise, q[1]) - of_draws(log_prior, z)
            weights.add(log_px_given(z, *data), log_ratio)
        kl = weights.log_ratio if log_prior else numpy(gaussian_kl(*q, *p))
        chunks.append((*weights.estimate(), weights.log_likelihood, kl))
        if tick is not None:
            tick(len(q[0]))
    return Likelihood(*map(np.concatenate, zip(*chunks, strict=True)))


class LogWeights:
    """Sums over draws of log p(x|z), of log q - log p, of w and of w^2."""

    def __init__(self):
        self.n = 0
        self.sums = [0.0, 0.0]
        self.log_sums = [-np.inf, -np.inf]

    def add(self, log_likelihood, log_ratio):
        """Both (draws, n), nats."""
        terms = np.float64(log_likelihood), np.float64(log_ratio)
        self.n += len(terms[0])
        self.sums = [s + t.sum(axis=0) for s, t in zip(self.sums, terms, strict=True)]
        log_w = terms[0] - terms[1]
        self.log_sums = [
            np.logaddexp(s, np.logaddexp.reduce(power * log_w, axis=0))
            for power, s in enumerate(self.log_sums, start=1)
        ]

    @property
    def log_likelihood(self):
        return self.sums[0] / self.n

    @property
    def log_ratio(self):
        return self.sums[1] / self.n

    def estimate(self):
        """log of the mean weight, and its standard error: both (n,)."""
        log_mean, log_mean_square = (s - np.log(self.n) for s in self.log_sums)
        relative_variance = np.expm1(np.maximum(log_mean_square - 2 * log_mean, 0.0))
        few = np.nan if self.n == 1 else self.n - 1  # one draw has no spread
        return log_mean, np.sqrt(relative_variance / few)


class LogPxGivenZ:
    """log p(x|z) as the model has it: x (n, ...), z (draws, n, latent_dim)."""

    def __init__(self, model):
        x = model.input["x"]
        z = keras.Input((model.latent_dim,), name="draws")
        self.is_conditional = model.is_conditional
        inputs, given = {"x": x, "draws": z}, z
        if model.is_conditional:
            label = keras.Input(model.input["label"].shape[1:], name="label")
            inputs["label"], given = label, [z, label]
        parameters = model.decoder(given)
        self.model = keras.Model(inputs, model.likelihood(x, parameters)["log_px"])

    def __call__(self, z, x, label=None):
        """(draws, n), nats."""
        inputs = {"x": x, "draws": z.reshape(-1, z.shape[-1])}
        if self.is_conditional:
            inputs["label"] = np.tile(label, (len(z), *[1] * (np.ndim(label) - 1)))
        return self.model.predict_on_batch(inputs)


def log_density(noise, log_var):
    """log N(z; mean, exp(log_var)) of z = mean + exp(log_var / 2) noise: sums D."""
    return -0.5 * np.sum(noise**2 + log_var + np.log(2 * np.pi), axis=-1)


def of_draws(function, z):
    """A function of (m, latent_dim), of draws (draws, n, latent_dim)."""
    return function(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])


def in_parts(n, most):
    """n as a sum of numbers up to `most`."""
    return [most] * (n // most) + [n % most] * (n % most > 0)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)

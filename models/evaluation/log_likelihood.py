"""log p(x) by importance sampling, and the terms of the ELBO, for any components."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from models.blocks.component import Component, FoldSamples, RepeatForSamples
from models.blocks.priors import MESSAGE
from models.checks import check_integer


@dataclass(frozen=True, eq=False)
class LogPxEstimate:
    """Estimates for each example, (n,), from k samples z_i ~ q(z|x), in nats.

    With the weights w_i = p(x|z_i) p(z_i) / q(z_i|x):

    Attributes:
        log_px: log 1/k sum_i w_i, whose expectation is a lower bound of log p(x) that
            rises with k (Burda et al., 2016).
        mc_se: its Monte Carlo standard error by the delta method: the standard
            deviation of the weights over their mean and over sqrt(k). It is too small
            where `ess` is small, since the largest weights have not been drawn.
        ess: the effective sample size, 1 / sum_i v_i^2 with v_i = w_i / sum_j w_j
            (Kong, 1992), between 1 and k.
        log_likelihood: E_q[log p(x|z)].
        kl: KL(q(z|x) || p(z)), in closed form where there is one.
    """

    log_px: np.ndarray
    mc_se: np.ndarray
    ess: np.ndarray
    log_likelihood: np.ndarray
    kl: np.ndarray

    @property
    def elbo(self) -> np.ndarray:
        """E_q[log p(x|z)] - KL, whatever the objective of the training."""
        return self.log_likelihood - self.kl

    @property
    def mean_mc_se(self) -> float:
        """The Monte Carlo standard error of the mean of log_px; NaN for k = 1."""
        return float(np.sqrt(np.sum(self.mc_se**2)) / len(self.mc_se))


def estimate_log_px(
    vae,
    x,
    label=None,
    *,
    n_samples: int = 500,
    log_prior: Callable | None = None,
    seed: int = 0,
    max_rows: int = 4096,
    progress: Callable | None = None,
) -> LogPxEstimate:
    """Estimates log p(x) of each example, in chunks of constant memory.

    Args:
        vae: a `models.blocks.vae.VAE` of any components. Without a message; with
            binarised x if its likelihood is one of binarised x.
        x: (n, *input_shape), an array or rows on disk.
        label: for a conditional model, one for each row.
        n_samples: k, the samples of z for each example.
        log_prior: log p(z) in nats, a function (m, latent_dim) -> (m,), such as the
            `score_samples` of a scikit-learn mixture; `None` is the prior of the model.
        seed: of the samples.
        max_rows: how many z are decoded at a time.
        progress: called with the number of examples after each chunk.

    Raises:
        ValueError: n_samples is not an integer >= 1.
    """
    check_integer("n_samples", n_samples)
    size = max(1, min(len(x), max_rows // n_samples or 16))
    sampler = ImportanceSampler(vae, seed, log_prior)
    chunks = []
    for first in range(0, len(x), size):
        rows = slice(first, first + size)
        data = x[rows], None if label is None else label[rows]
        weights = WeightSums()
        for n in chunk_sizes(n_samples, max(1, max_rows // size)):
            weights.add(**sampler(*data, n))
        chunks.append(weights.estimate())
        if progress is not None:
            progress(len(data[0]))
    return LogPxEstimate(*map(np.concatenate, zip(*chunks, strict=True)))


class PosteriorSamples(Component):
    """Draws from q(z|x) that are new in every call.

    Args:
        posterior: of the VAE.
        n: the number of samples.
        seed_generator: the source of the noise.
    """

    def __init__(self, posterior, n, seed_generator):
        super().__init__()
        self.posterior, self.n, self.seed_generator = posterior, n, seed_generator

    def call(self, features):
        """The parameters of q(z|x) by name, z, (n, batch, latent_dim), and log_q."""
        q = self.posterior.parameters(features)
        z, log_q = self.posterior.draw(q, self.n, self.seed_generator)
        return {**q, "z": z, "log_q": log_q}

    def compute_output_spec(self, features):
        """The symbolic tensors that `call` returns."""
        q = self.posterior.compute_output_spec(features)
        del q["z_point"]
        batch, dim = q["z"].shape[1:]
        return q | {
            "z": self.spec(self.n, batch, dim),
            "log_q": self.spec(self.n, batch),
        }


class ImportanceSampler:
    """Samples of q(z|x) with their densities, computed on the device.

    Args:
        vae: the model; its layers are shared.
        seed: of the samples.
        log_prior: log p(z), a function of arrays; `None` is the prior of the model.
    """

    def __init__(self, vae, seed, log_prior=None):
        self.vae, self.log_prior = vae, log_prior
        seed = int(np.random.default_rng(seed).integers(2**31 - 1))
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.models = {}  # one for each number of samples

    def __call__(self, x, label, n: int) -> dict[str, np.ndarray]:
        """log_px, log_q, log_pz, (n, batch), and kl, (batch,), nats, of new samples."""
        if n not in self.models:
            self.models[n] = self._build(n)
        inputs = {"x": x} if label is None else {"x": x, "label": label}
        terms = self.models[n].predict_on_batch(inputs)
        if self.log_prior is not None:
            z = terms.pop("z")
            log_pz = self.log_prior(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])
            terms["log_pz"] = log_pz
            terms["kl"] = np.mean(terms["log_q"] - log_pz, axis=0)
        return terms

    def _build(self, n):
        """The graph of the VAE, of n samples."""
        vae = self.vae
        inputs = {
            name: keras.Input(tensor.shape[1:], name=name)
            for name, tensor in vae.input.items()
            if name not in MESSAGE
        }
        x, label = inputs["x"], [inputs["label"]] if vae.is_conditional else []
        features = vae.encoder([x, *label] if label else x)
        q = PosteriorSamples(vae.posterior, n, self.seed_generator)(features)
        z = FoldSamples()(q["z"])
        if label:
            z = [z, RepeatForSamples()(*label, q["z"])]
        p_x = vae.likelihood(x, vae.decoder(z))
        terms = {"log_px": p_x["log_px"], "log_q": q["log_q"]}
        if self.log_prior is not None:
            return keras.Model(inputs, terms | {"z": q["z"]})
        p_z = vae.prior(q, {name: inputs[name] for name in vae.prior.conditions})
        return keras.Model(inputs, terms | p_z)


class WeightSums:
    """Sums over samples, in float64: of log p(x|z), of the KL, of w and of w^2."""

    def __init__(self):
        self.n, self.log_px, self.kl = 0, 0.0, 0.0
        self.log_w, self.log_w2 = -np.inf, -np.inf

    def add(self, log_px, log_q, log_pz, kl):
        """Adds the terms of some samples, (samples, batch), and their kl, (batch,)."""
        n, log_px = len(log_px), np.float64(log_px)
        log_w = log_px + log_pz - log_q
        self.n += n
        self.log_px = self.log_px + log_px.sum(axis=0)
        self.kl = self.kl + n * np.float64(kl)
        self.log_w = np.logaddexp(self.log_w, np.logaddexp.reduce(log_w))
        self.log_w2 = np.logaddexp(self.log_w2, np.logaddexp.reduce(2 * log_w))

    def estimate(self):
        """The values of a `LogPxEstimate`."""
        ess = np.exp(2 * self.log_w - self.log_w2)
        # one sample has no spread
        variance = np.maximum(self.n / ess - 1, 0) / (
            self.n - 1 if self.n > 1 else np.nan
        )
        log_px = self.log_w - np.log(self.n)
        return log_px, np.sqrt(variance), ess, self.log_px / self.n, self.kl / self.n


def chunk_sizes(n: int, most: int) -> list[int]:
    """Returns n as a sum of numbers up to `most`."""
    return [most] * (n // most) + [n % most] * (n % most > 0)

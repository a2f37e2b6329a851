"""log p(x) by importance sampling, and the terms of the ELBO, for any components."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from scipy.special import logsumexp

from models.blocks.component import Component, FoldSamples, RepeatForSamples
from models.blocks.priors import MESSAGE
from models.checks import check_integer

MAX_ROWS = 4096  # of z that are decoded at a time


@dataclass(frozen=True, eq=False)
class LogPxEstimate:
    """Estimates for each example, (n,), from k samples z_i ~ q(z|x), in nats.

    With the weights w_i = p(x|z_i) p(z_i) / q(z_i|x):

    Attributes:
        log_px: log 1/k sum_i w_i, whose expectation is a lower bound of log p(x) that
            rises with k (Burda et al., 2016).
        mc_se: its Monte Carlo standard error by the delta method; NaN for k = 1. It is
            too small where `ess` is: the largest weights have not been drawn.
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
        """The Monte Carlo standard error of the mean of log_px over the examples."""
        return float(np.sqrt(np.sum(self.mc_se**2)) / len(self.mc_se))


def estimate_log_px(
    vae,
    x,
    label=None,
    *,
    n_samples: int = 500,
    log_prior: Callable | None = None,
    seed: int = 0,
    progress: Callable | None = None,
) -> LogPxEstimate:
    """Estimates log p(x) of each example, in chunks of constant memory.

    Args:
        vae: a `models.blocks.vae.VAE` of any components; it gets no message.
        x: (n, *input_shape), an array or rows on disk; binarised, if the model is.
        label: for a conditional model, one for each row.
        n_samples: k, the samples of z for each example.
        log_prior: log p(z) in nats, a function (m, latent_dim) -> (m,); `None` is the
            prior of the model.
        seed: of the samples.
        progress: called with the number of examples after each chunk.

    Raises:
        ValueError: n_samples is not an integer >= 1.
    """
    check_integer("n_samples", n_samples)
    size = max(1, min(len(x), MAX_ROWS // n_samples or 16))
    most = max(1, MAX_ROWS // size)  # samples at a time
    sizes = [most] * (n_samples // most) + [n_samples % most] * (n_samples % most > 0)
    seed = int(np.random.default_rng(seed).integers(2**31 - 1))
    seed_generator, is_own = keras.random.SeedGenerator(seed), log_prior is None
    models = {n: _sampling_model(vae, n, seed_generator, is_own) for n in {*sizes}}
    chunks = []
    for first in range(0, len(x), size):
        rows = slice(first, first + size)
        inputs = {"x": x[rows]} | ({} if label is None else {"label": label[rows]})
        parts = zip(*(_draw(models[n], inputs, log_prior) for n in sizes), strict=True)
        *terms, kl = (np.concatenate(part).astype(np.float64) for part in parts)
        chunks.append(_estimate(*terms, kl.reshape(len(sizes), -1).T @ sizes))
        if progress is not None:
            progress(len(inputs["x"]))
    return LogPxEstimate(*map(np.concatenate, zip(*chunks, strict=True)))


def _estimate(log_px, log_q, log_pz, sum_kl):
    """The values of a `LogPxEstimate`, from terms (k, n) and k times the KL, (n,)."""
    k, log_w = len(log_px), log_px + log_pz - log_q
    log_sum = logsumexp(log_w, axis=0)
    ess = np.exp(2 * log_sum - logsumexp(2 * log_w, axis=0))
    variance = np.maximum(k / ess - 1, 0) / (k - 1 if k > 1 else np.nan)
    return log_sum - np.log(k), np.sqrt(variance), ess, log_px.mean(axis=0), sum_kl / k


def _draw(model, inputs, log_prior):
    """log_px, log_q, log_pz, (n, batch), and kl, (batch,), of a `_sampling_model`."""
    terms = model.predict_on_batch(inputs)
    if log_prior is not None:
        z = terms["z"]
        log_pz = log_prior(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])
        terms |= {"log_pz": log_pz, "kl": np.mean(terms["log_q"] - log_pz, axis=0)}
    return [terms[name] for name in ("log_px", "log_q", "log_pz", "kl")]


def _sampling_model(vae, n, seed_generator, has_prior):
    """The graph of the VAE with n samples, its layers shared; z in place of p(z)."""
    names = [name for name in vae.input if name not in MESSAGE]
    inputs = {name: keras.Input(vae.input[name].shape[1:], name=name) for name in names}
    x, label = inputs["x"], [inputs["label"]] if vae.is_conditional else []
    features = vae.encoder([x, *label] if label else x)
    q = _PosteriorSamples(vae.posterior, n, seed_generator)(features)
    z = FoldSamples()(q["z"])
    if label:
        z = [z, RepeatForSamples()(*label, q["z"])]
    terms = {"log_px": vae.likelihood(x, vae.decoder(z))["log_px"], "log_q": q["log_q"]}
    if not has_prior:
        return keras.Model(inputs, terms | {"z": q["z"]})
    p_z = vae.prior(q, {name: inputs[name] for name in vae.prior.conditions})
    return keras.Model(inputs, terms | p_z)


class _PosteriorSamples(Component):
    """n samples of q(z|x), with their density, that are new in every call."""

    def __init__(self, posterior, n, seed_generator):
        super().__init__()
        self.posterior, self.n, self.seed_generator = posterior, n, seed_generator

    def call(self, features):
        q = self.posterior.parameters(features)
        z, log_q = self.posterior.draw(q, self.n, self.seed_generator)
        return {**q, "z": z, "log_q": log_q}

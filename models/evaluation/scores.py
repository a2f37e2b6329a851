"""The scores of a model on some data: numbers by name."""

from dataclasses import dataclass

import keras
import numpy as np

from models.blocks.ondisk_array import slices
from models.blocks.priors import StandardNormal
from models.evaluation import metrics
from models.evaluation.latent_statistics import (
    class_probabilities,
    encode_points,
    latent_statistics,
)
from models.evaluation.log_likelihood import LogPxEstimate, estimate_log_px

# With more rows below this effective sample size, the standard error of log p(x) was
# too small by a fifth or more, for Gaussians of 10 to 80 dimensions and 100 to 5000
# samples.
MIN_ESS, MAX_SHARE = 10, 0.05


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model on some data.

    Attributes:
        scores: by name, nested, of JSON's types; log-probabilities are in nats. `None`
            where a score is not defined.
        log_px: the `LogPxEstimate`.
        z: the points that stand for q(z|x), (n, latent_dim): its means if Gaussian.
        classes: of the mixture, (n,) int, or `None`.
    """

    scores: dict
    log_px: LogPxEstimate
    z: np.ndarray
    classes: np.ndarray | None


def evaluate(
    vae, x, label=None, *, labels=None, mixture=None, batch_size=128, seed=0, **sampling
) -> Evaluation:
    """Scores a model.

    Args:
        vae: a `models.blocks.vae.VAE` of any components.
        x: (n, *input_shape), an array or rows on disk.
        label: for a conditional model, one for each row.
        labels: (n,) integers, with which classes are compared, or `None`.
        mixture: a scikit-learn `GaussianMixture` over z, or `None`. It gives the
            classes, and p(z) where `is_prior`.
        batch_size: of the training, for an objective that depends on the batch.
        seed: of the samples.
        **sampling: `n_samples` and `progress` of `estimate_log_px`.
    """
    z, z_log_var = encode_points(vae, x, label)
    log_prior = mixture.score_samples if is_prior(mixture, vae) else None
    log_px = estimate_log_px(vae, x, label, log_prior=log_prior, seed=seed, **sampling)
    classes = None
    if mixture is not None:
        classes = class_probabilities(mixture, z, z_log_var).argmax(axis=1)
    has_message = mixture is not None and vae.takes_message
    scores = {
        "seed": seed,
        "p(z)": "mixture" if log_prior else "model",
        **bounds(log_px),
        # with a message, it depends on those of the training
        "objective": None if has_message else mean_objective(vae, x, label, batch_size),
        "rmse": _rmse(vae, x, z, label),
        **_latent_scores(vae, z, z_log_var, label, np.random.default_rng(seed)),
        "classes": None,
    }
    if mixture is not None:
        scores["classes"] = {"silhouette": metrics.silhouette(z, classes, seed)}
        if labels is not None:
            scores["classes"] |= metrics.clustering_scores(labels, classes)
    return Evaluation(scores, log_px, z, classes)


def is_prior(mixture, vae) -> bool:
    """Whether a mixture is p(z): of a model N(0, I) that takes its messages."""
    takes_its_place = vae.takes_message and isinstance(vae.prior, StandardNormal)
    return mixture is not None and takes_its_place


def bounds(terms: LogPxEstimate) -> dict:
    """The estimates of log p(x) with their errors, and the terms of the ELBO."""
    share, mc_se = float(np.mean(terms.ess < MIN_ESS)), terms.mean_mc_se
    few = f"effective sample size < {MIN_ESS} for {share:.0%} of the rows"
    warning = f"{few}: log p(x) is too low, its MC error too small"
    return {
        "log_px": float(terms.log_px.mean()),
        "log_px_se": _standard_error(terms.log_px),
        "log_px_mc_se": None if np.isnan(mc_se) else mc_se,
        "log_px_warning": warning if share > MAX_SHARE else None,
        "ess": {
            "median": float(np.median(terms.ess)),
            "min": float(np.min(terms.ess)),
            f"share_below_{MIN_ESS}": share,
        },
        "elbo": float(terms.elbo.mean()),
        "elbo_se": _standard_error(terms.elbo),
        "log_likelihood": float(terms.log_likelihood.mean()),
        "kl": float(terms.kl.mean()),
    }


def mean_objective(vae, x, label=None, batch_size: int = 128) -> float:
    """The mean of what `fit` maximised, in nats; with the message N(0, I) if any.

    Arguments as `evaluate`'s.
    """
    total = 0.0
    vae.restart_batches()
    for rows in slices(x):
        inputs = {"x": x[rows]}
        if vae.takes_message:
            ones = np.ones((len(inputs["x"]), vae.latent_dim), np.float32)
            inputs |= {"prior_mean": 0 * ones, "prior_precision": ones}
        if label is not None:
            inputs["label"] = label[rows]
        # `vae.predict` would begin again with the noise of the first batch
        outputs = keras.Model.predict(vae, inputs, batch_size, verbose=0)
        total += outputs["objective"].sum(dtype=np.float64)
    return float(total / len(x))


def _rmse(vae, x, z, label):
    """The root mean squared error of the mean of p(x|z), over all entries of x."""
    total = 0.0
    for rows in slices(x):
        x_mean = vae.decode(z[rows], None if label is None else label[rows])
        total += np.sum(np.square(x[rows] - x_mean), dtype=np.float64)
    return float(np.sqrt(total / np.prod(x.shape)))


def _latent_scores(vae, z, z_log_var, label, rng):
    """What only a Gaussian q(z|x) has; the KL is to the prior without a message."""
    statistics = latent_statistics(vae, z, z_log_var, label)
    kl = statistics.relevance.tolist() if statistics.measure == "KL" else None
    scores = {"active_units": None, "mutual_information": None}
    if z_log_var is not None:
        scores["active_units"] = int(metrics.active_units(z).sum())
        scores["mutual_information"] = metrics.mutual_information(z, z_log_var, rng)
    return {"kl_per_dimension": kl, "latent_dim": z.shape[1], **scores}


def _standard_error(values):
    """The standard error of the mean over examples; `None` for one example."""
    n = len(values)
    return float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else None

"""The scores of a finished run on data: numbers by name, for a file and a screen."""

import numpy as np

from models.blocks.ondisk_array import slices
from models.evaluation import metrics
from models.evaluation.log_likelihood import likelihood
from models.runs.run_labels import labels_for


class Evaluation:
    """A run on some data.

    Args:
        run: a `finished.Run`.
        dataset: the data that are scored.
        train: the run's training data, from which classifiers of the latents learn;
            `None` where these are what is scored, for a cross-validation.
        n_samples: draws of z for each datum. seed: of the draws.
        tick: called with the number of data done.

    Attributes:
        scores: by name, nested, JSON's types; nats for what is a log-probability.
        likelihood: the terms of each datum, an `importance.Likelihood`.
        z_mean, z_log_var: of q(z|x), (n, latent_dim).
        classes: of the run's mixture, (n,) int; `None` before its first round ended.
    """

    def __init__(self, run, dataset, train, n_samples, seed, tick=None):
        if run.config.get("binarize"):
            dataset = dataset.binarized(seed)
            train = train and train.binarized(seed)
        self.run, self.dataset = run, dataset
        self.label = labels_for(run, dataset)
        self.mixture = run.round().mixture if run.n_rounds else None
        self.listens = run.model.takes_message
        self.z_mean, self.z_log_var = run.model.encode(dataset.x, self.label)
        self.likelihood = likelihood(
            run.model,
            dataset.x,
            self.label,
            n_samples=n_samples,
            log_prior=self.log_prior,
            seed=seed,
            tick=tick,
        )
        self.classes = self.mixture and self.mixture.classes(self.z_mean)
        self.scores = {
            "data": dataset.name,
            "rows": len(dataset.x),
            "seed": seed,
            **self.bounds(n_samples),
            **self.latents(seed),
            "classes": self.clustering(seed),
            "labels_from_latents": self.probes(train),
        }

    @property
    def log_prior(self):
        """What a model that listened was told of z in the end; else its own p(z)."""
        return self.mixture.log_prob if self.listens and self.mixture else None

    def bounds(self, n_samples):
        """How probable the data are."""
        terms = self.likelihood
        return {
            "p(z)": "mixture" if self.log_prior else "model",
            "n_samples": n_samples,
            "log_px": float(terms.log_px.mean()),
            "log_px_error_of_draws": terms.mean_error,
            "log_px_error_of_data": standard_error(terms.log_px),
            "elbo": float(terms.elbo.mean()),
            "elbo_error_of_data": standard_error(terms.elbo),
            "log_likelihood": float(terms.log_likelihood.mean()),
            "kl": float(terms.kl.mean()),
            "rmse": self.rmse(),
        }

    def rmse(self):
        """Of the mean of p(x|z) at z = z_mean; a part of the data at a time."""
        x, total = self.dataset.x, 0.0
        for rows in slices(x):
            label = self.label if self.label is None else self.label[rows]
            x_mean = self.run.model.decode(self.z_mean[rows], label)
            total += np.sum(np.square(x[rows] - x_mean), dtype=np.float64)
        return float(np.sqrt(total / x.size))

    def latents(self, seed):
        """What q(z|x) holds; the KL of each dimension is to the model's own p(z)."""
        q = self.z_mean, self.z_log_var
        prior = self.run.model.prior_moments(len(self.z_mean), self.label)
        rng = np.random.default_rng(seed)
        return {
            "kl_per_dimension": metrics.kl_per_dimension(*q, *prior).tolist(),
            "active_units": int(metrics.active_units(self.z_mean).sum()),
            "latent_dim": self.z_mean.shape[1],
            "mutual_information": metrics.mutual_information(*q, rng),
        }

    def clustering(self, seed):
        """The mixture's classes: how far apart they are, and against labels."""
        if self.classes is None:
            return None
        scores = {"silhouette": metrics.silhouette(self.z_mean, self.classes, seed)}
        if self.dataset.labels is None:
            return scores
        return metrics.clustering_scores(self.dataset.labels, self.classes) | scores

    def probes(self, train):
        """How well a classifier reads the labels off the latents."""
        labels = self.dataset.labels
        if labels is None or len(np.unique(labels)) < 2:
            return None
        if train is not None:
            if train.label_names != self.dataset.label_names:
                return None  # other labels than those it could learn
            z_mean, _ = self.run.model.encode(train.x, labels_for(self.run, train))
            train = z_mean, train.labels
        elif np.bincount(labels).min() < 5:
            return None  # too few of a label for five folds
        probes = {
            "linear": metrics.linear_probe(),
            "k_nn": metrics.nearest_neighbours(),
        }
        return {
            name: metrics.probe_accuracy(probe, self.z_mean, labels, train)
            for name, probe in probes.items()
        }


def standard_error(values):
    """Of the mean over data."""
    return (
        float(np.std(values, ddof=1) / np.sqrt(len(values)))
        if len(values) > 1
        else None
    )


def table(scores):
    """The scores as lines of a screen."""

    def line(name, value, note=""):
        return f"  {name:<32}{value:>10}  {note}".rstrip()

    def nats(name, key, note=""):
        return line(name, f"{scores[key]:.2f}", note)

    of_draws, of_data = scores["log_px_error_of_draws"], scores["log_px_error_of_data"]
    errors = f"+- {of_data:.2f} (data)" if of_data is not None else ""
    if np.isfinite(of_draws):
        errors += f" {of_draws:.2g} (draws)"
    active = f"{scores['active_units']} of {scores['latent_dim']}"
    prior = (
        "the mixture of classes" if scores["p(z)"] == "mixture" else "the model's own"
    )
    lines = [
        f"{scores['data']}: {scores['rows']} rows, in nats per datum; p(z) is {prior}",
        nats(f"log p(x), {scores['n_samples']} draws", "log_px", errors),
        nats("ELBO", "elbo"),
        nats("log-likelihood E_q[log p(x|z)]", "log_likelihood"),
        nats("KL(q(z|x) || p(z))", "kl"),
        line("RMSE of reconstructions", f"{scores['rmse']:.4f}"),
        line("active units", active, "whose mean varies by more than .01"),
        nats("mutual information I(x; z)", "mutual_information"),
    ]
    if scores["classes"]:
        words = {"accuracy": "classes: accuracy", "ari": "  ARI", "nmi": "  NMI"}
        words["silhouette"] = (
            "  silhouette" if "ari" in scores["classes"] else "classes: silhouette"
        )
        lines += [line(words[k], f"{v:.3f}") for k, v in scores["classes"].items()]
    if scores["labels_from_latents"]:
        words = {
            "linear": "labels by a linear probe",
            "k_nn": "labels by 10 neighbours",
        }
        found = scores["labels_from_latents"]
        lines += [line(words[k], f"{v:.3f}") for k, v in found.items()]
    return "\n".join(lines)

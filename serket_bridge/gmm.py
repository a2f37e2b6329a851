"""A Gaussian mixture as a module: class probabilities forward, class means backward."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.files import read_arrays, write_arrays, write_text
from serket_bridge.inference.em import EM
from serket_bridge.inference.gaussian_mixture import GaussianMixture
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.module import Module
from serket_bridge.saving import save_module
from serket_bridge.scores import matching_accuracy
from serket_bridge.serialization import register


@register
def class_mean_message(
    responsibilities: np.ndarray, mixture: GaussianMixture
) -> Gaussian:
    """Serket's message, (n, D): N(m_k, I) with the most probable class k.

    responsibilities: (n, K); mixture: of K classes in D dimensions.
    """
    mean = mixture.means[responsibilities.argmax(axis=1)]
    return Gaussian(mean, np.ones_like(mean))


@register
def collapsed_gaussian_message(
    responsibilities: np.ndarray, mixture: GaussianMixture, rows: int = 4096
) -> Gaussian:
    """The whole mixture collapsed to one Gaussian for each example, (n, D).

    sum_k r_k KL(q || N(m_k, L_k^-1)) = KL(q || N(L^-1 sum_k r_k L_k m_k, L^-1)) + const
    with L = sum_k r_k L_k. The mean uses the full matrix L; the precision of the
    message is its diagonal, because q is diagonal.

    Arguments as of `class_mean_message`; rows: how many are computed at a time.
    """
    weighted_means = np.einsum("kij,kj->ki", mixture.precisions, mixture.means)
    mean, diagonal = np.empty((2, len(responsibilities), mixture.means.shape[1]))
    for first in range(0, len(responsibilities), rows):
        part = slice(first, first + rows)
        r = responsibilities[part]
        precision = np.einsum("nk,kij->nij", r, mixture.precisions)
        shift = (r @ weighted_means)[..., None]
        mean[part] = np.linalg.solve(precision, shift)[..., 0]
        diagonal[part] = np.einsum("nii->ni", precision)
    return Gaussian(mean, diagonal)


@register
class GMM(Module):
    """A Gaussian mixture with full covariances over the latents of the module below.

    It sends p(c_n | z_n) forward, without the backward message, so that nothing is
    counted twice, and a Gaussian prior for each example's latent backward. The backward
    message that it reads is a prior p(c_n) for each example's class.

    Args:
        K: the number of classes.
        itr: iterations of the inference in one `update`: the maximum for EM, the number
            of sweeps for Gibbs sampling.
        name, mode, seed, verbose: as for every module.
        category: labels (n,), only for the accuracy.
        inference: `EM`, `Variational` (`serket_bridge.inference.em`) or `Gibbs`
            (`serket_bridge.inference.gibbs`); or an instance, `EM(n_init=5)`, or any
            function of the same signature, for which `itr` and `n_init` are not used.
        n_init: the number of starts in the first round; `None` is the inference's own.
        message: the backward message, a function (responsibilities, mixture) ->
            `Gaussian`: `class_mean_message` or `collapsed_gaussian_message`.
        load_dir: a folder that `update` wrote: recognises with its parameters.
        catogory: category, as Serket's documents misspell it.

    Attributes:
        mixture: the parameters, a `GaussianMixture`.
        responsibilities: p(c_n | z_n, backward message), (n, K).
        classes: the most probable class of each example, (n,) int.
        prior: the last backward message that was sent.
    """

    output_message = Categorical
    parameter_file = "model.npz"
    saved_arguments = ("K", "itr", "inference", "message")

    def __init__(
        self,
        K: int,
        itr: int = 100,
        name: str = "gmm",
        category=None,
        mode: str = "learn",
        *,
        inference=EM,
        n_init: int | None = None,
        message: Callable = class_mean_message,
        load_dir: str | Path | None = None,
        seed: int | None = None,
        verbose: bool = True,
        catogory=None,
    ):
        super().__init__(name, mode if load_dir is None else "recog", seed, verbose)
        if catogory is not None:
            warnings.warn("catogory: did you mean category? It is used.", stacklevel=2)
            category = catogory
        self.K, self.itr = check_integer("K", K), check_integer("itr", itr)
        self.category = None if category is None else np.asarray(category)
        if isinstance(inference, type):
            inference = inference.from_iterations(self.itr, n_init)
        self.inference, self.message = inference, message
        self.mixture, self.inference_state = None, None
        if load_dir is not None:
            self.load_learned(load_dir)

    @property
    def accuracy(self) -> float | None:
        """Of the classes, under the best matching with `category`."""
        known = self.category is not None
        return matching_accuracy(self.category, self.classes) if known else None

    def learn(self, progress) -> None:
        (latents,) = self.inputs()
        n = len(latents)
        rule = f"{self.name}: K must be at most the number of examples, {n}"
        require(n >= self.K, rule, f"K={self.K}")
        z, log_prior = np.asarray(latents.mean, np.float64), self.log_prior(n)
        state = self.inference_state
        with threadpool_limits(1):  # on small arrays several threads are slower
            fit = self.inference(z, log_prior, self.K, state, self.rng)
        self.mixture, self.inference_state = fit.mixture, fit.state
        if not latents.is_point:
            r = fit.mixture.responsibilities(z, log_prior)
            self.mixture = fit.mixture.widened(r, 1 / latents.precision)
        self.metrics = {"bound": fit.bound}
        progress()

    def inputs(self) -> tuple[Gaussian]:
        """The latents, (n, D)."""
        latents = super().inputs()[0].in_memory()
        shape, lower = latents.mean.shape, self.parents[0].name
        rule = f"{self.name} takes latents of the shape (n, latent_dim) from {lower}"
        require(len(shape) == 2, rule, shape)
        if self.category is not None:
            n = len(latents)
            rule = f"{self.name}: category must have {n} labels, one per example"
            require(len(self.category) == n, rule, len(self.category))
        return (latents,)

    def log_prior(self, n: int) -> np.ndarray:
        """log p(c_n) of the backward message + log K, (n, K), nats; 0 if uniform."""
        if not self._backward:
            return np.broadcast_to(0.0, (n, self.K))
        message = self.backward_message(Categorical.uniform(n, self.K))
        return message.log_prob + np.log(self.K)

    def send(self) -> None:
        self.inputs()  # checks them
        q = self.parents[0].posterior.in_memory()  # though it was fitted to draws of q
        prior = self.backward_message(Categorical.uniform(len(q), self.K))
        log_joint = self.mixture.expected_log_joint(q.mean, q.precision)
        self.forward = Categorical(log_joint)
        self.responsibilities = (self.forward * prior).prob
        self._set_classes()
        self.send_backward(self.parents[0], self.prior)

    def _set_classes(self):
        self.classes = self.responsibilities.argmax(axis=1)
        self.prior = self.message(self.responsibilities, self.mixture)

    def evidence(self) -> float:
        """-sum_k r_k KL(q || N_k) + sum_k r_k log(pi_k b_k / r_k), with the optimal r.

        With r_k prop. to pi_k b_k exp(E_q log N_k(z)), this is the entropy of q plus
        log sum_k pi_k b_k exp(E_q log N_k(z)); for known z it is log p(z).
        """
        q = self.parents[0].posterior.in_memory()
        log_joint = self.mixture.expected_log_joint(q.mean, q.precision)
        total = logsumexp(log_joint + self.log_prior(len(q)), axis=1)
        return float(np.mean(total + q.entropy()))

    def predict(self, value):
        """The data expected from classes, (n,) int, by way of their means."""
        classes = np.atleast_1d(value)
        known = classes.dtype.kind in "iu" and np.isin(classes, range(self.K)).all()
        rule = f"{self.name}: classes must be integers from 0 to {self.K - 1}"
        require(known, rule, repr(value))
        return super().predict(self.mixture.means[classes])

    def inference_copy(self) -> "GMM":
        copied = super().inference_copy()
        copied.category = None  # labels of other data
        return copied

    def write_results(self, folder: Path) -> None:
        """Writes Serket's files; a class is the number of a column of Pdz."""
        write_text(folder / f"class_{self.mode}.txt", self.classes, "%d")
        write_text(folder / f"Pdz_{self.mode}.txt", self.responsibilities)
        write_text(folder / f"mu_{self.mode}.txt", self.prior.mean)
        if self.category is not None:
            write_text(folder / f"acc_{self.mode}.txt", self.accuracy, "%f")
        if self.mode == "learn":
            save_module(self, folder)

    def save_parameters(self, folder: Path) -> None:
        write_arrays(folder / self.parameter_file, vars(self.mixture))

    def load_parameters(self, folder: Path) -> None:
        self.mixture = GaussianMixture(**read_arrays(folder / self.parameter_file))
        self.learned = True

    def state(self) -> dict:
        state = {"forward": self.forward, "inference": self.inference_state}
        return state | {"responsibilities": self.responsibilities}

    def set_state(self, state: dict) -> None:
        self.forward, self.inference_state = state["forward"], state["inference"]
        self.responsibilities = state["responsibilities"]
        self._set_classes()

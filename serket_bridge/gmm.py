"""A Gaussian mixture as a module: class means go down, class probabilities go up."""

import difflib
import inspect
import warnings

import numpy as np
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from models.evaluation.metrics import matching_accuracy
from models.runs.run_folder import save_npz, write_whole
from serket_bridge.inference.em import EM, Mixture
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.module import Module, positive
from serket_bridge.output import write_text
from serket_bridge.partwise import kept, parts
from serket_bridge.saving import save_module
from serket_bridge.serialization import read_arrays


def hard(responsibilities, mixture):
    """Serket's message: each datum's class mean, with unit precision.

    responsibilities: (n, K). Returns a `Gaussian`, (n, D).
    """
    mean = mixture.means[responsibilities.argmax(axis=1)]
    return Gaussian(mean, np.ones_like(mean))


def soft(responsibilities, mixture, rows=4096):
    """The whole mixture collapsed to one Gaussian for each datum.

    sum_k r_k KL(q || N(m_k, L_k^-1)) = KL(q || N(L^-1 sum_k r_k L_k m_k, L^-1)) + const
    with L = sum_k r_k L_k; of L^-1 in that mean all entries count, and of L in the
    message the diagonal, since q is diagonal.

    responsibilities: (n, K). Returns a `Gaussian`, (n, D); `rows` data at a time.
    """
    weighted_means = np.einsum("kij,kj->ki", mixture.precisions, mixture.means)
    means, precisions = [], []
    for first in range(0, len(responsibilities), rows):
        r = responsibilities[first : first + rows]
        precision = np.einsum("nk,kij->nij", r, mixture.precisions)
        means.append(
            np.linalg.solve(precision, (r @ weighted_means)[..., None])[..., 0]
        )
        precisions.append(np.einsum("nii->ni", precision))
    return Gaussian(np.concatenate(means), np.concatenate(precisions))


class GMM(Module):
    """A Gaussian mixture with full covariances over the latents of the module below.

    Up goes p(c_n | z_n), without what came from above, so that nothing is counted
    twice. Down goes a Gaussian prior for each datum's latent. From above comes the
    prior p(c_n) of each datum's class, uniform until there is one.

    Args:
        K: the number of classes.
        itr: iterations of the inference in one `update`: at most so many of EM, exactly
            so many sweeps of Gibbs sampling.
        name, mode, seed, verbose: as every module's.
        category: labels (n,), only for the accuracy.
        inference: `EM`, `Variational` (`serket_bridge.inference.em`) or `Gibbs`
            (`serket_bridge.inference.gibbs`); or one with settings of its own,
            `EM(n_init=5)`, which `itr` and `n_init` leave alone; or any function of their signature.
        n_init: how many starts in the first round; the inference's own default.
        message: what goes down, `hard` or `soft`: a function (responsibilities,
            mixture) -> `Gaussian`.

    Attributes, after an update:
        mixture: the parameters, a `serket_bridge.inference.em.Mixture`.
        responsibilities: p(c_n | z_n, message from above), (n, K).
        classes: the most probable class of each datum, (n,) int.
        accuracy: of the classes, under the best matching with `category`.
    """

    sends = Categorical

    def __init__(
        self,
        K,
        itr=100,
        name="gmm",
        category=None,
        mode="learn",
        *,
        inference=EM,
        n_init=None,
        message=hard,
        seed=None,
        verbose=True,
        **misspelt,
    ):
        category = misspelling_of_category(misspelt, category)
        super().__init__(name, mode, seed, verbose)
        self.K, self.itr = positive("K", K), positive("itr", itr)
        self.category = None if category is None else np.asarray(category)
        if isinstance(inference, type):
            inference = inference.of(self.itr, n_init)
        self.inference, self.message = inference, message
        self.mixture, self.state_of_inference = None, None

    @property
    def accuracy(self):
        if self.category is None:
            return None
        return matching_accuracy(self.category, self.classes)

    # --- Learning ---------------------------------------------------------------------

    def learn(self, tick):
        """Fits the mixture to one draw of the latents."""
        (latents,) = self.inputs()
        if len(latents) < self.K:
            raise ValueError(
                f"{self.name}: K must be at most the number of data, {len(latents)}. "
                f"Received: K={self.K}"
            )
        z = latents.sample(self.rng)
        if not isinstance(self.inference, EM) or not latents.is_on_disk:
            z = np.asarray(z, np.float64)
        # on small arrays threads only get in each other's way
        with threadpool_limits(1):
            fit = self.inference(
                z, self.log_prior(len(z)), self.K, self.state_of_inference, self.rng
            )
        self.mixture, self.state_of_inference = fit.mixture, fit.state
        self.report = {"bound": fit.bound}
        tick()

    def inputs(self):
        """The latents, (n, D)."""
        (latents,) = super().inputs()
        if latents.mean.ndim != 2:
            raise ValueError(
                f"{self.name} takes latents of the shape (n, latent_dim) from "
                f"{self.lowers[0].name}. Received: {latents.mean.shape}"
            )
        if self.category is not None and len(self.category) != len(latents):
            raise ValueError(
                f"{self.name}: category must have one label for each of the "
                f"{len(latents)} data. Received: {len(self.category)}"
            )
        return (latents,)

    def log_prior(self, n):
        """log p(c_n) from above, + log K: 0 where nothing is said, (n, K) nats.

        The bound is then the mixture's own.
        """
        if not self._from_above:
            return np.broadcast_to(0.0, (n, self.K))
        above = self.from_above(Categorical.nothing_said(n, self.K))
        return above.log_prob + np.log(self.K)

    # --- Messages ---------------------------------------------------------------------

    def send(self):
        """Sends p(c|z) up, and the classes' Gaussians down."""
        (latents,) = self.inputs()
        above = self.from_above(Categorical.nothing_said(len(latents), self.K))
        answers = (
            self.answer(latents.part(rows), above.part(rows))
            for rows in latents.parts()
        )
        log_prob, self.responsibilities, *prior = kept(answers, latents.is_on_disk)
        self.forward = Categorical.normalised(log_prob)
        self.classes = most_probable(self.responsibilities)
        self.prior = Gaussian(*prior)
        self.send_down(self.lowers[0], self.prior)

    def answer(self, latents, above):
        """log p(c|z), responsibilities, and mean and precision of what goes down."""
        forward = Categorical(self.mixture.expected_log_joint(latents))
        responsibilities = (forward * above).prob
        prior = self.message(responsibilities, self.mixture)
        return forward.log_prob, responsibilities, prior.mean, prior.precision

    def evidence(self):
        """-sum_k r_k KL(q || N_k) + sum_k r_k log(pi_k b_k / r_k), with the best r.

        With r_k prop. to pi_k b_k exp(E_q log N_k(z)), this is the entropy of q plus
        log sum_k pi_k b_k exp(E_q log N_k(z)); of data that are certain, log p(z).
        """
        q = self.lowers[0].belief
        log_prior = self.log_prior(len(q))

        def evidence(q, log_prior):
            log_joint = self.mixture.expected_log_joint(q) + log_prior
            return logsumexp(log_joint, axis=1) + q.entropy()

        parts = [evidence(q.part(rows), log_prior[rows]) for rows in q.parts()]
        return float(np.mean(np.concatenate(parts)))

    def predict(self, value):
        """What the means of these classes, (n,) int, come down to."""
        classes = np.atleast_1d(value)
        if classes.dtype.kind not in "iu" or not np.isin(classes, range(self.K)).all():
            raise ValueError(
                f"{self.name}: classes must be integers from 0 to {self.K - 1}. "
                f"Received: {value!r}"
            )
        return super().predict(self.mixture.means[classes])

    def twin(self):
        twin = super().twin()
        twin.category = None  # labels of other data
        return twin

    # --- Files ------------------------------------------------------------------------

    def write(self, folder):
        """Serket's files; a class is the number of a column of Pdz."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / f"class_{self.mode}.txt", self.classes, "%d")
        write_text(folder / f"Pdz_{self.mode}.txt", self.responsibilities)
        write_text(folder / f"mu_{self.mode}.txt", self.prior.mean)
        if self.category is not None:
            write_text(folder / f"acc_{self.mode}.txt", self.accuracy, "%f")
        if self.mode == "learn":
            save_module(self, folder)

    def save(self, folder):
        parameters = vars(self.mixture)
        write_whole(folder / "model.npz", lambda part: save_npz(part, parameters))

    def read(self, folder):
        self.mixture = Mixture(**read_arrays(folder / "model.npz"))
        self.learned = True

    def config(self):
        names = ("K", "itr", "inference", "message")
        return {name: getattr(self, name) for name in names}

    def state(self):
        return {
            "inference": self.state_of_inference,
            "responsibilities": self.responsibilities,
            "forward": self.forward,
        }

    def set_state(self, state):
        self.state_of_inference = state["inference"]
        self.responsibilities, self.forward = (
            state["responsibilities"],
            state["forward"],
        )
        self.classes = most_probable(self.responsibilities)
        self.prior = self.message(self.responsibilities, self.mixture)


def most_probable(responsibilities):
    """The best column of each row, (n,) int."""
    found = [responsibilities[rows].argmax(axis=1) for rows in parts(responsibilities)]
    return np.concatenate(found)


def misspelling_of_category(misspelt, category):
    """`category`; the typo of Serket's documents is taken with a warning.

    Raises TypeError for every other word.
    """
    if list(misspelt) == ["catogory"] and category is None:
        warnings.warn(
            "GMM has no argument 'catogory': did you mean category? It is taken as "
            "category.",
            stacklevel=3,
        )
        return misspelt["catogory"]
    for word in misspelt:
        near = difflib.get_close_matches(word, inspect.signature(GMM).parameters, 1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise TypeError(f"GMM has no argument {word!r}{hint}")
    return category

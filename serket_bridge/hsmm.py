"""A hidden semi-Markov model as a module: it cuts sequences into repeated pieces."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.files import read_arrays, write_arrays, write_text
from serket_bridge.gmm import class_mean_message
from serket_bridge.inference import semi_markov, semi_markov_em
from serket_bridge.inference.gaussian_mixture import GaussianMixture
from serket_bridge.inference.semi_markov import SemiMarkovChain
from serket_bridge.inference.semi_markov_em import Prior, SemiMarkovModel, Series
from serket_bridge.inference.trajectories import Trajectories, position_probs, stretch
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.saving import save_module
from serket_bridge.sequences import SequenceModule
from serket_bridge.serialization import register

LOWEST = np.log(np.finfo(float).tiny)  # of a probability of 0


@register
class HSMM(SequenceModule):
    """Cuts sequences into pieces, each of which follows the trajectory of its class.

    p(z, c, d) = p(c_1) prod_j p(c_j | c_j-1) p(d_j | c_j) p(piece j | c_j), where piece
    j has d_j steps and class c_j. The pieces of a class are one trajectory of
    `n_positions` Gaussians with diagonal covariances, stretched to the length of the
    piece. It is the model of GP-HSMM (Nakamura et al., 2017, "Segmenting continuous
    motions with hidden semi-Markov models and Gaussian processes") with Gaussians along
    the piece in the place of a Gaussian process, and with EM in the place of sampling.

    It sends p(c_t | z) of each step forward, without what was sent for that step from
    above, and a Gaussian prior for each latent backward, as `GMM` does.

    Args:
        K: the number of classes.
        max_duration: the largest number of steps of a piece.
        itr: iterations of EM in one `update`, at most; later rounds continue from the
            parameters of the last.
        name, mode, seed, verbose: as for every module.
        lengths: the number of rows of each sequence, (S,) integers; `None` is one
            sequence. For new data set `hsmm.lengths` before `loop.recognize`.
        min_duration, mean_duration: of a piece, in steps; a quarter and a half of
            max_duration by default, which are the proportions of GP-HSMM. The lengths
            of each class are learned, as a histogram to which one piece is added, whose
            length has a Poisson distribution of this mean between these bounds.
        n_positions: the number of Gaussians along a piece.
        n_init: the number of starts in the first round, of which the most probable is
            kept. Each is annealed (`serket_bridge.inference.semi_markov_em`).
        n_reseeds: how often one class of it is begun anew, at a piece that is explained
            badly; what makes the whole more probable is kept.
        message: the backward message, a function of `serket_bridge.gmm`; to it each
            position of each class is a component of a mixture.

    Attributes:
        model: the parameters, a `SemiMarkovModel`.
        responsibilities: p(c_t | messages), (n, K).
        classes: the most probable class of each step, (n,) int.
        segments: the most probable cut, (m, 3) int: the first row of each piece, the
            row after its last, and its class.
        prior: the last backward message that was sent.
    """

    output_message = Categorical
    parameter_file = "model.npz"
    saved_arguments = ("K", "max_duration", "itr", "min_duration", "mean_duration")
    saved_arguments += ("n_positions", "n_init", "n_reseeds", "message")
    saved_state = ("forward", "prior", "responsibilities", "segments")

    def __init__(
        self,
        K: int,
        max_duration: int = 20,
        itr: int = 100,
        name: str = "hsmm",
        mode: str = "learn",
        *,
        lengths: Sequence[int] | None = None,
        min_duration: int | None = None,
        mean_duration: float | None = None,
        n_positions: int = 8,
        n_init: int = 5,
        n_reseeds: int = 20,
        message: Callable = class_mean_message,
        seed: int | None = None,
        verbose: bool = True,
    ):
        super().__init__(name, mode, seed, verbose)
        self.K, self.itr = check_integer("K", K), check_integer("itr", itr)
        self.n_positions = check_integer("n_positions", n_positions)
        self.n_init = check_integer("n_init", n_init)
        self.n_reseeds = check_integer("n_reseeds", n_reseeds, at_least=0)
        self._set_durations(min_duration, mean_duration, max_duration)
        self.message, self.lengths, self.model = message, lengths, None

    def _set_durations(self, shortest, mean, longest):
        self.max_duration = check_integer("max_duration", longest)
        shortest = max(1, longest // 4) if shortest is None else shortest
        self.min_duration = check_integer("min_duration", shortest)
        rule = f"min_duration must be at most max_duration, {longest}"
        require(self.min_duration <= self.max_duration, rule, shortest)
        self.mean_duration = max(shortest, longest / 2) if mean is None else mean
        rule = f"mean_duration must be a number from {shortest} to {longest}"
        require(shortest <= self.mean_duration <= longest, rule, mean)

    @property
    def n_steps(self) -> int:
        """The number of starts of the first round."""
        return self.n_init + self.n_reseeds

    def inputs(self) -> tuple[Gaussian]:
        """The latents, (n, D)."""
        latents = super().inputs()[0].in_memory()
        shape, below = latents.mean.shape, self.parents[0].name
        rule = f"{self.name} takes latents of the shape (n, latent_dim) from {below}"
        require(len(shape) == 2, rule, shape)
        if self.model is not None:
            dim = self.model.trajectories.means.shape[-1]
            rule = f"{self.name} has learned {dim} dimensions, and takes as many from "
            require(shape[1] == dim, f"{rule}{below}", shape[1])
        lengths = self.lengths_of(len(latents))
        shortest, longest = self.min_duration, self.max_duration
        can_be_cut = -(-lengths // longest) * shortest <= lengths
        rule = f"{self.name}: each sequence must be a sum of pieces of {shortest} to "
        rule += f"{longest} steps (min_duration, max_duration)"
        wrong = lengths[np.argmin(can_be_cut)]
        require(can_be_cut.all(), rule, f"one of {wrong} steps")
        return (latents,)

    def series(self, latents: Gaussian) -> Series:
        """The latents with log(K b) of the message b from above."""
        n = len(latents)
        above = self.backward_message(Categorical.uniform(n, self.K)).log_prob
        log_prior = np.maximum(above + np.log(self.K), LOWEST)
        mean = latents.mean.astype(np.float64)
        variance = np.asarray(1 / latents.precision, np.float64)
        return Series(mean, variance, log_prior, self.lengths_of(n))

    def learn(self, progress) -> None:
        series = self.series(*self.inputs())
        bounds = self.min_duration, self.mean_duration, self.max_duration
        prior = Prior.of(series, *bounds)
        if self.model is None:
            sizes = self.K, self.n_positions
            work = self.n_init, self.n_reseeds, self.itr, progress
            self.model = semi_markov_em.fit(series, prior, sizes, self.rng, *work)
        else:
            fitted = semi_markov_em.fit_em(self.model, series, prior, self.itr)
            self.model, _ = fitted
            for _ in range(self.n_steps):
                progress()
        self.metrics = {"bound": self._log_evidence(series) / len(series)}

    def _log_evidence(self, series):
        pieces = self.model.pieces(series)
        log_p = semi_markov.log_evidence(self.model.chain, pieces, series.lengths)
        return float(log_p.sum())

    def _posterior_series(self):
        self.inputs()  # checks them
        return self.series(self.parents[0].posterior.in_memory())

    def send(self) -> None:
        series, chain = self._posterior_series(), self.model.chain
        pieces = self.model.pieces(series)
        cut = semi_markov.most_probable_cut(chain, pieces, series.lengths)
        found = semi_markov.expectations(chain, pieces, series.lengths).pieces
        log_prob = np.log(np.maximum(semi_markov.step_probs(found), np.exp(LOWEST)))
        self.forward = Categorical(log_prob - series.log_prior)
        probs = position_probs(found, self.n_positions)
        self.prior = self.message(
            probs.reshape(-1, len(series)).T, self.position_mixture
        )
        self._set_classes(Categorical(log_prob).prob, cut)
        self.send_backward(self.parents[0], self.prior)

    def _set_classes(self, responsibilities, segments):
        self.responsibilities, self.segments = responsibilities, segments
        self.classes = responsibilities.argmax(axis=1)

    @property
    def position_mixture(self) -> GaussianMixture:
        """The positions of all classes as K P components of equal weight."""
        dim = self.model.trajectories.means.shape[-1]
        means = self.model.trajectories.means.reshape(-1, dim)
        variances = self.model.trajectories.variances.reshape(-1, dim)
        weights = np.full(len(means), 1 / len(means))
        return GaussianMixture(weights, means, np.eye(dim) / variances[:, None])

    def evidence(self) -> float | None:
        """The entropy of q plus log sum_c,d p(c, d) exp(E_q log p(z | c, d)).

        With q the posterior of the latents, nats per row; for known z it is log p(z).
        `None` below other modules: each would be a second distribution of the classes,
        and the normaliser of the product of the two is not known.
        """
        if self.modelled_by:
            return None
        q, series = self.parents[0].posterior.in_memory(), self._posterior_series()
        return (self._log_evidence(series) + float(q.entropy().sum())) / len(series)

    def predict(self, value):
        """The data expected from classes of steps, (n,) int.

        Each run of equal classes is one piece: its trajectory, stretched to its length.
        """
        classes = np.atleast_1d(value)
        known = classes.dtype.kind in "iu" and np.isin(classes, range(self.K)).all()
        rule = f"{self.name}: classes must be integers from 0 to {self.K - 1}"
        require(known, rule, repr(value))
        runs = np.split(classes, 1 + np.flatnonzero(np.diff(classes)))
        means = self.model.trajectories.means
        return super().predict(
            np.concatenate([stretch(means[run[0]], len(run)) for run in runs])
        )

    def write_results(self, folder: Path) -> None:
        """Writes classes and messages; segm as GP-HSMM: class, and 1 where pieces end.

        A class is the number of a column of Pdz.
        """
        ends = np.zeros(len(self.classes), int)
        ends[self.segments[:, 1] - 1] = 1
        classes = np.repeat(self.segments[:, 2], np.diff(self.segments[:, :2])[:, 0])
        write_text(folder / f"segm_{self.mode}.txt", np.stack([classes, ends], 1), "%d")
        write_text(folder / f"class_{self.mode}.txt", self.classes, "%d")
        write_text(folder / f"Pdz_{self.mode}.txt", self.responsibilities)
        write_text(folder / f"mu_{self.mode}.txt", self.prior.mean)
        if self.mode == "learn":
            save_module(self, folder)

    def save_parameters(self, folder: Path) -> None:
        arrays = vars(self.model.chain) | vars(self.model.trajectories)
        write_arrays(folder / self.parameter_file, arrays)

    def load_parameters(self, folder: Path) -> None:
        arrays = read_arrays(folder / self.parameter_file)
        trajectories = Trajectories(arrays.pop("means"), arrays.pop("variances"))
        self.model = SemiMarkovModel(SemiMarkovChain(**arrays), trajectories)
        self.learned = True

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        self._set_classes(self.responsibilities, self.segments)

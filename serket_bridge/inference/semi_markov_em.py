"""Hidden semi-Markov models with Gaussian trajectories, fitted by annealed EM.

EM finds a local maximum, which depends much on where it begins. Two remedies:
deterministic annealing (after Ueda and Nakano, 1998, "Deterministic annealing EM
algorithm") begins with p(c, d) p(x | c, d)^beta, whose cuts are almost those of the
prior, and raises beta to 1; and classes of the best model are begun anew, one at a
time, at pieces that it explains badly, which is kept where it is better.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from serket_bridge.inference import semi_markov, trajectories
from serket_bridge.inference.forward_backward import MarkovChain, first_rows
from serket_bridge.inference.semi_markov import Expectations, SemiMarkovChain
from serket_bridge.inference.trajectories import Trajectories, shrink

START, RESEED = np.geomspace(0.1, 1.0, 20), np.geomspace(0.3, 1.0, 8)  # values of beta
START_ROWS = 5000  # with more than these, the starts are compared on some sequences


@dataclass(frozen=True, eq=False)
class Series:
    """What is cut: sequences, one after the other.

    Args:
        mean, variance: of q(x_t), (n, D); the variance of known values is 0.
        log_prior: what else is known of the class of each step, (n, K), nats; finite.
        lengths: the number of rows of each sequence, (S,) int.
    """

    mean: np.ndarray
    variance: np.ndarray
    log_prior: np.ndarray
    lengths: np.ndarray

    def __len__(self):
        return len(self.mean)

    def sample(self, n_rows: int, rng) -> "Series":
        """Random sequences until there are `n_rows`, of which each has at most as many.

        It is the series itself if it has no more rows.
        """
        if len(self) <= n_rows:
            return self
        order = rng.permutation(len(self.lengths))
        lengths = np.minimum(self.lengths[order], n_rows)
        n_sequences = 1 + np.searchsorted(np.cumsum(lengths), n_rows)
        lengths, first = lengths[:n_sequences], first_rows(self.lengths)[order]
        rows = np.repeat(first[:n_sequences] - first_rows(lengths), lengths)
        rows += np.arange(lengths.sum())
        parts = self.mean[rows], self.variance[rows], self.log_prior[rows]
        return Series(*parts, lengths)


@dataclass(frozen=True, eq=False)
class Prior:
    """What every class has seen before the data, in numbers of observations.

    Args:
        transitions: of each first class, and of each pair of classes.
        durations: of each number of steps, (M,); 0 is an impossible number.
        rows: of each position; these rows have `mean` and `variance`, (D,).
    """

    transitions: float
    durations: np.ndarray
    rows: float
    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, series: Series, min_duration, mean_duration, max_duration) -> "Prior":
        """One piece, of truncated Poisson length, and one row of all data."""
        steps = np.arange(1, max_duration + 1)
        durations = poisson.pmf(steps, mean_duration) * (steps >= min_duration)
        mean = series.mean.mean(axis=0)
        variance = (series.variance + np.square(series.mean - mean)).mean(axis=0)
        variance = np.maximum(variance, np.finfo(np.float32).tiny)  # constant columns
        return cls(0.1, durations / durations.sum(), 1.0, mean, variance)


@dataclass(frozen=True, eq=False)
class SemiMarkovModel:
    """How pieces follow one another, and what they look like."""

    chain: SemiMarkovChain
    trajectories: Trajectories

    def pieces(self, series: Series, beta: float = 1.0) -> np.ndarray:
        """log p(d | k) + beta E_q[log p(x_t .. x_t+d-1 | k)], (n, M, K), nats.

        These are the `pieces` of `semi_markov`; log_prior is part of the density.
        """
        log_density = self.trajectories.log_density(series.mean, series.variance)
        log_density = beta * (log_density + series.log_prior[..., None])
        log_durations = self.chain.log_durations
        sums = (series.lengths, len(log_durations))
        return trajectories.piece_log_likelihoods(log_density, *sums) + log_durations

    def log_prior(self, prior: Prior) -> float:
        """log p(parameters) under `prior`, up to a constant, nats."""
        with np.errstate(divide="ignore"):
            log_probs = self.chain.log_initial.sum() + self.chain.log_transition.sum()
        possible = prior.durations > 0
        log_durations = self.chain.log_durations[possible].sum(axis=1)
        log_p = (
            prior.transitions * log_probs + prior.durations[possible] @ log_durations
        )
        means, variances = self.trajectories.means, self.trajectories.variances
        squares = np.square(means - prior.mean) + prior.variance
        return (
            log_p - 0.5 * prior.rows * (np.log(variances) + squares / variances).sum()
        )


def e_step(model: SemiMarkovModel, series: Series, beta: float = 1.0) -> Expectations:
    """Expectations under p(c, d) p(x | c, d)^beta, up to its normaliser."""
    pieces = model.pieces(series, beta)
    return semi_markov.expectations(model.chain, pieces, series.lengths)


def m_step(found: Expectations, series: Series, prior: Prior, n_positions: int):
    """The mode of the parameters, given the expectations: a `SemiMarkovModel`."""
    chain = MarkovChain.from_counts(found.initial, found.transitions, prior.transitions)
    durations = found.durations + prior.durations
    durations /= durations.sum(axis=1, keepdims=True)
    probs = trajectories.position_probs(found.pieces, n_positions)  # (K, P, n)
    rows = probs.sum(axis=2)[..., None] + prior.rows
    means = (probs @ series.mean + prior.rows * prior.mean) / rows
    variances = prior.rows * (np.square(means - prior.mean) + prior.variance)
    for k, p in np.ndindex(probs.shape[:2]):
        squares = np.square(series.mean - means[k, p]) + series.variance
        variances[k, p] += probs[k, p] @ squares
    return SemiMarkovModel(
        SemiMarkovChain(chain.initial_probs, chain.transition_matrix, durations),
        Trajectories(means, variances / rows),
    )


def start(series: Series, prior: Prior, n_classes, n_positions, rng) -> SemiMarkovModel:
    """Trajectories through random pieces, with the variance of all data."""
    left, max_duration = semi_markov.steps_left(series.lengths), len(prior.durations)
    durations = 1 + rng.choice(max_duration, size=n_classes, p=prior.durations)
    durations = np.minimum(durations, left.max())
    rows = [rng.choice(np.flatnonzero(left >= d)) for d in durations]
    steps = zip(rows, rows + durations, strict=True)
    means = [shrink(series.mean[slice(*each)], n_positions) for each in steps]
    variances = np.broadcast_to(prior.variance, np.shape(means))
    durations = np.tile(prior.durations, (n_classes, 1))
    chain = SemiMarkovChain.uniform(durations)
    return SemiMarkovModel(chain, Trajectories(np.array(means), variances))


def reseed(model: SemiMarkovModel, series: Series, rng) -> SemiMarkovModel:
    """Begins a random class anew, at one of the pieces that are explained worst.

    It is drawn from the quarter of pieces of lowest log p per step. The chain is
    uniform, and the new class has the mean variances and durations of all classes.
    """
    chain, pieces = model.chain, model.pieces(series)
    cut = semi_markov.most_probable_cut(chain, pieces, series.lengths)
    first, end, k = cut.T
    log_p = pieces[first, end - first - 1, k] / (end - first)
    first, end, _ = cut[rng.choice(np.argsort(log_p)[: 1 + len(cut) // 4])]
    former, durations = model.trajectories, chain.duration_probs.copy()
    means, variances = former.means.copy(), former.variances.copy()
    new = rng.integers(len(means))
    means[new] = shrink(series.mean[first:end], means.shape[1])
    variances[new] = variances.mean(axis=(0, 1))
    durations[new] = durations.mean(axis=0)
    chain = SemiMarkovChain.uniform(durations)
    return SemiMarkovModel(chain, Trajectories(means, variances))


def anneal(model: SemiMarkovModel, series: Series, prior: Prior, betas=START):
    """One step of EM for each value of beta: a `SemiMarkovModel`."""
    n_positions = model.trajectories.means.shape[1]
    for beta in betas:
        model = m_step(e_step(model, series, beta), series, prior, n_positions)
    return model


def fit_em(
    model: SemiMarkovModel,
    series: Series,
    prior: Prior,
    max_iter: int,
    tol: float = 1e-4,
) -> tuple[SemiMarkovModel, float]:
    """EM from a model: (the model, log p(x) + log p(parameters)), nats per row.

    Ends after `max_iter` iterations, or when one gains less than `tol` nats per row.
    """
    n_positions, last = model.trajectories.means.shape[1], -np.inf
    for iteration in range(max_iter + 1):
        found = e_step(model, series)
        objective = (found.log_evidence + model.log_prior(prior)) / len(series)
        if objective - last < tol or iteration == max_iter:
            break
        model, last = m_step(found, series, prior, n_positions), objective
    return model, objective


def fit(
    series: Series,
    prior: Prior,
    sizes,
    rng,
    n_init=5,
    n_reseeds=20,
    max_iter=100,
    progress=lambda: None,
) -> SemiMarkovModel:
    """The most probable of `n_init` annealed models, improved by `reseed`.

    sizes: (K, P). Of many rows a sample of about `START_ROWS` decides which. It calls
    `progress` n_init + n_reseeds times.
    """
    max_duration = len(prior.durations)
    n_rows = max(1, START_ROWS // max_duration) * max_duration  # which can be cut
    sample, best = series.sample(n_rows, rng), (None, -np.inf)
    for i in range(n_init + n_reseeds):
        if i < n_init:
            model, betas = start(sample, prior, *sizes, rng), START
        else:
            model, betas = reseed(best[0], sample, rng), RESEED
        model = anneal(model, sample, prior, betas)
        found = fit_em(model, sample, prior, max_iter)
        best = max(best, found, key=lambda pair: pair[1])
        progress()
    model, _ = best
    return model if sample is series else fit_em(model, series, prior, max_iter)[0]

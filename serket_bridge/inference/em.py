"""Gaussian mixtures by expectation-maximisation and by variational Bayes.

Both are scikit-learn's estimators, with one change: the E-step adds a log prior of its
own for each datum, which is how a message from above enters. Of many rows EM takes a
chunk at a time (`serket_bridge.inference.chunked_em`).
"""

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from models.evaluation.mixture import Mixture
from serket_bridge.inference import chunked_em


@dataclass(frozen=True, eq=False)
class Fit:
    """What inference gives back.

    mixture: the parameters. bound: what the inference maximised or followed, nats per
    datum; comparable between fits of one method only. state: arrays by name, from which
    the next call of the same method goes on.
    """

    mixture: Mixture
    bound: float
    state: dict


class _PriorPerDatum:
    """Adds `log_prior`, (n, K), to the log of the weighted densities in the E-step."""

    log_prior = 0.0

    def _estimate_weighted_log_prob(self, X, **kwargs):
        return super()._estimate_weighted_log_prob(X, **kwargs) + self.log_prior


class _EM(_PriorPerDatum, GaussianMixture):
    def bound_per_datum(self, n):
        return float(self.lower_bound_)


class _Variational(_PriorPerDatum, BayesianGaussianMixture):
    def _compute_lower_bound(self, log_resp, log_prob_norm):
        bound = super()._compute_lower_bound(log_resp, log_prob_norm)
        return bound + np.sum(np.exp(log_resp) * self.log_prior)

    def bound_per_datum(self, n):
        return float(self.lower_bound_ / n)


@dataclass(frozen=True)
class EM:
    """Maximum likelihood by EM, full covariances (scikit-learn's `GaussianMixture`).

    Args:
        n_init: starts from k-means with different seeds. Each gets `short` iterations,
            and the `finalists` with the best bounds go on to the end (the "em-EM" of
            Biernacki et al., 2003: the best of many starts for half the work).
        fresh: whether later rounds try new starts too, beside going on from the last
            round's parameters. Without, they only go on. The best bound wins.
        max_iter, tol, reg_covar: as scikit-learn's.
        start_rows: with more data than this, starts are tried on a random sample of so
            many rows, and the best goes on with all; of `EM` as `Chunked`, which gives
            the same parameters from the same start, in less time.
    """

    n_init: int = 30
    short: int = 10
    finalists: int = 5
    fresh: bool = True
    max_iter: int = 300
    tol: float = 1e-3
    reg_covar: float = 1e-6
    start_rows: int = 10_000
    estimator = _EM

    @property
    def for_many(self):
        """The inference that takes over with more than `start_rows` data."""
        return Chunked(**vars(self))

    @classmethod
    def of(cls, itr, n_init=None):
        """With these many iterations and starts, and defaults for the rest."""
        return cls(max_iter=itr, **({} if n_init is None else {"n_init": n_init}))

    def __call__(self, z, log_prior, n_components, state, rng):
        """Fits K = n_components Gaussians.

        z: (n, D); log_prior: (n, K), nats; state: a `Fit.state`, or `None` in the first
        round; rng: a `numpy.random.Generator`. Returns a `Fit`.
        """
        if len(z) > self.start_rows and self.for_many is not self:
            return self.for_many(z, log_prior, n_components, state, rng)
        z = np.asarray(z, np.float64)
        fits = []
        if state is not None:
            fits.append(self._go_on(z, log_prior, n_components, state))
        if state is None or self.fresh:
            fits.append(self._start(z, log_prior, n_components, rng))
        return max(fits, key=lambda fit: fit.bound)

    def _start(self, z, log_prior, n_components, rng):
        """The best of `n_init` starts."""
        few = len(z) > self.start_rows
        rows = (
            rng.choice(len(z), self.start_rows, replace=False) if few else slice(None)
        )
        fits = [
            _fit(
                self._new(n_components, self.short, random_state=seed),
                z[rows],
                log_prior[rows],
            )
            for seed in rng.integers(2**31, size=self.n_init).tolist()
        ]
        best = sorted(fits, key=lambda fit: fit.bound)[-self.finalists :]
        ends = [
            self._go_on(z[rows], log_prior[rows], n_components, fit.state)
            for fit in best
        ]
        fit = max(ends, key=lambda fit: fit.bound)
        return self._go_on(z, log_prior, n_components, fit.state) if few else fit

    def _go_on(self, z, log_prior, n_components, state):
        """From the parameters of an earlier fit."""
        estimator = self._new(n_components, self.max_iter, warm_start=True)
        for name, array in state.items():
            setattr(estimator, name, array)
        estimator.converged_, estimator.lower_bound_ = False, -np.inf
        return _fit(estimator, z, log_prior)

    def _new(self, n_components, max_iter, **kwargs):
        kwargs |= dict(max_iter=max_iter, tol=self.tol, reg_covar=self.reg_covar)
        return self.estimator(n_components=n_components, **kwargs)


@dataclass(frozen=True)
class Chunked(EM):
    """`EM` that reads the data a chunk of rows at a time, in constant memory.

    z and log_prior may be memory maps, or anything with a length and `[rows]`. With
    more than `start_rows` data a random sample of so many rows decides whether the last
    round's parameters or new starts lead further, and all rows are read for the better
    ones alone.

    Args:
        rows: in a chunk; (D + 1)(D + 2) / 2 numbers are held of each.
        n_init, short, finalists, fresh, max_iter, tol, reg_covar, start_rows: as `EM`.
    """

    rows: int = chunked_em.ROWS

    @property
    def for_many(self):
        return self

    def __call__(self, z, log_prior, n_components, state, rng):
        """As `EM`'s."""
        if len(z) <= self.start_rows:
            return super().__call__(z, log_prior, n_components, state, rng)
        if state is None or self.fresh:
            rows = np.sort(rng.choice(len(z), self.start_rows, replace=False))
            few = np.asarray(z[rows], np.float64), np.asarray(log_prior[rows])
            start = super().__call__(*few, n_components, None, rng)
            if state is None or self._further(start, *few, n_components, state):
                state = start.state
        return self._go_on(z, log_prior, n_components, state)

    def _further(self, start, z, log_prior, n_components, state):
        """Whether a new start has a better bound than these parameters will have."""
        return start.bound > self._go_on(z, log_prior, n_components, state).bound

    def _go_on(self, z, log_prior, n_components, state):
        mixture = Mixture(state["weights_"], state["means_"], state["precisions_"])
        limits = self.max_iter, self.tol, self.reg_covar, self.rows
        mixture, bound, _ = chunked_em.maximise(z, log_prior, mixture, *limits)
        return Fit(mixture, bound, state_of(mixture))


def state_of(mixture):
    """The parameters as scikit-learn's estimator keeps them."""
    covariances = np.linalg.inv(mixture.precisions)
    factors = np.linalg.inv(np.linalg.cholesky(covariances)).swapaxes(1, 2)
    values = mixture.weights, mixture.means, covariances, mixture.precisions, factors
    return dict(zip(LEARNED, values, strict=True))


@dataclass(frozen=True)
class Variational(EM):
    """Variational Bayes, Dirichlet and Normal-Wishart priors (Bishop 2006, 10.2).

    scikit-learn's `BayesianGaussianMixture`, full covariances. Arguments as `EM`.
    """

    estimator = partial(
        _Variational, weight_concentration_prior_type="dirichlet_distribution"
    )

    @property
    def for_many(self):
        return self


LEARNED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")
VARIATIONAL = ("weight_concentration_", "mean_precision_", "degrees_of_freedom_")
PRIORS = (
    "weight_concentration_prior_",
    "mean_precision_prior_",
    "mean_prior_",
    "degrees_of_freedom_prior_",
    "covariance_prior_",
)


def _fit(estimator, z, log_prior):
    """Runs a scikit-learn estimator, and takes out what it learned."""
    # 0 * -inf would be NaN in a bound
    estimator.log_prior = np.maximum(log_prior, -1e10)
    with warnings.catch_warnings():
        # Rounds go on from each other: EM that has not converged yet is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(z)
    names = (
        name for name in LEARNED + VARIATIONAL + PRIORS if hasattr(estimator, name)
    )
    state = {name: getattr(estimator, name) for name in names}
    mixture = Mixture(estimator.weights_, estimator.means_, estimator.precisions_)
    return Fit(mixture, estimator.bound_per_datum(len(z)), state)

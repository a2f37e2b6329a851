"""Gaussian mixtures by expectation-maximisation and by variational Bayes.

Both are scikit-learn's estimators with one change: the E-step adds a log prior for each
example, which is the backward message.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

import numpy as np
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning

from serket_bridge.inference import chunked_em
from serket_bridge.inference.gaussian_mixture import FitResult, GaussianMixture
from serket_bridge.serialization import register

PARAMETERS = ("weights_", "means_", "precisions_")  # of a `GaussianMixture`


class _WithLogPrior:
    """Adds `log_prior`, (n, K), to the log of the weighted densities in the E-step."""

    def _estimate_weighted_log_prob(self, X, **kwargs):
        return super()._estimate_weighted_log_prob(X, **kwargs) + self.log_prior


class _EM(_WithLogPrior, sklearn_mixture.GaussianMixture):
    """Its lower bound is the mean over the rows."""


class _Variational(_WithLogPrior, sklearn_mixture.BayesianGaussianMixture):
    """Its lower bound is the sum over the rows."""

    def _compute_lower_bound(self, log_resp, log_prob_norm):
        bound = super()._compute_lower_bound(log_resp, log_prob_norm)
        return bound + np.sum(np.exp(log_resp) * self.log_prior)


@register
@dataclass(frozen=True)
class EM:
    """Maximum likelihood by EM, full covariances (scikit-learn's `GaussianMixture`).

    Args:
        n_init: starts from k-means with different seeds; those that fail do not count.
        short_iter: iterations of each start.
        n_refine: how many starts, those with the best bounds, continue to the end (the
            "em-EM" of Biernacki et al., 2003).
        restart: whether later rounds also try new starts, beside continuing from the
            parameters of the last round; the best bound wins.
        max_iter, tol, reg_covar: as scikit-learn's; tol in nats per example.
        init_subsample: with more rows than this, a random sample of this size decides
            between the starts, and only the best is fitted to all rows, in chunks
            (`chunked_em`): scikit-learn's result, in less time and constant memory.
        rows: the size of a chunk; (D + 1)(D + 2) / 2 numbers of each row are in memory.
    """

    n_init: int = 30
    short_iter: int = 10
    n_refine: int = 5
    restart: bool = True
    max_iter: int = 300
    tol: float = 1e-3
    reg_covar: float = 1e-6
    init_subsample: int = 10_000
    rows: int = chunked_em.ROWS
    estimator = _EM

    @classmethod
    def from_iterations(cls, iterations: int, n_init: int | None = None):
        """This many iterations and starts, and defaults for the other arguments."""
        return cls(max_iter=iterations, n_init=n_init or cls.n_init)

    def __call__(self, z, log_prior, n_components, state, rng) -> FitResult:
        """Fits K = n_components Gaussians.

        Args:
            z: (n, D). More than `init_subsample` rows may be on disk, as log_prior.
            log_prior: (n, K), nats, log of the backward message up to a constant.
            n_components: K.
            state: the last round's `FitResult.state`, or `None`.
            rng: a `numpy.random.Generator`.
        """
        is_large = len(z) > self.init_subsample
        resume = self._continue_in_chunks if is_large else self._continue
        if is_large and state is not None and not self.restart:
            return resume(z, log_prior, n_components, state)
        rows = slice(None)
        if is_large:
            rows = np.sort(rng.choice(len(z), self.init_subsample, replace=False))
        sample = np.asarray(z[rows], np.float64), np.asarray(log_prior[rows])

        def continued():  # [(the state to begin with on all rows, the fit)]
            return [(state, resume(*sample, n_components, state))]

        def started():
            fits = self._start(*sample, n_components, rng, resume)
            return [(fit.state, fit) for fit in fits]

        calls = [continued] * (state is not None)
        calls += [started] * (state is None or self.restart)
        best, fit = max(sum(_successes(calls), []), key=lambda pair: pair[1].bound)
        return resume(z, log_prior, n_components, best) if is_large else fit

    def _start(self, z, log_prior, n_components, rng, resume):
        """The `n_refine` best of `n_init` short starts, continued to the end."""

        def start(seed):
            estimator = self._new(n_components, self.short_iter, random_state=seed)
            return _fit(estimator, z, log_prior)

        seeds = rng.integers(2**31, size=self.n_init).tolist()
        fits = _successes(partial(start, seed) for seed in seeds)
        best = sorted(fits, key=attrgetter("bound"))[-self.n_refine :]
        return _successes(
            partial(resume, z, log_prior, n_components, fit.state) for fit in best
        )

    def _continue(self, z, log_prior, n_components, state):
        """Continues from the parameters of an earlier fit."""
        estimator = self._new(n_components, self.max_iter, warm_start=True)
        vars(estimator).update(state, converged_=False, lower_bound_=-np.inf)
        return _fit(estimator, z, log_prior)

    def _continue_in_chunks(self, z, log_prior, n_components, state):
        start = GaussianMixture(*(state[name] for name in PARAMETERS))
        limits = self.max_iter, self.tol, self.reg_covar, self.rows
        mixture, bound, _ = chunked_em.fit_em(z, log_prior, start, *limits)
        return FitResult(mixture, bound, state_of(mixture))

    def _new(self, n_components, max_iter, **kwargs):
        kwargs |= dict(max_iter=max_iter, tol=self.tol, reg_covar=self.reg_covar)
        return self.estimator(n_components=n_components, **kwargs)


@register
@dataclass(frozen=True)
class Variational(EM):
    """Variational Bayes, Dirichlet and Normal-Wishart priors (Bishop 2006, 10.2).

    scikit-learn's `BayesianGaussianMixture`, full covariances, of rows in memory.
    Arguments as `EM`'s.
    """

    estimator = partial(
        _Variational, weight_concentration_prior_type="dirichlet_distribution"
    )
    _continue_in_chunks = EM._continue


def _successes(calls) -> list:
    """The results of the calls that raise no ValueError; raises it if all of them do.

    From some starts a class contracts to a point, and its covariance is singular.
    """
    results, error = [], None
    for call in calls:
        try:
            results.append(call())
        except ValueError as failure:
            error = failure
    if not results:
        raise error
    return results


def state_of(mixture: GaussianMixture) -> dict:
    """The parameters as scikit-learn's estimator has them."""
    state = dict(zip(PARAMETERS, vars(mixture).values(), strict=True))
    state["covariances_"] = np.linalg.inv(mixture.precisions)
    # scikit-learn's is upper triangular; any triangular one has the same density
    state["precisions_cholesky_"] = np.linalg.cholesky(mixture.precisions)
    return state


def _fit(estimator, z, log_prior):
    """Runs a scikit-learn estimator; returns what it learned."""
    # 0 * -inf would be NaN in a bound
    estimator.log_prior = np.maximum(log_prior, chunked_em.LOG_ZERO)
    with warnings.catch_warnings():  # the next round continues: EM need not converge
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(z)
    learned = {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and isinstance(value, np.ndarray | float)
    }
    mixture = GaussianMixture(*(learned[name] for name in PARAMETERS))
    n = len(z) if isinstance(estimator, _Variational) else 1
    return FitResult(mixture, float(estimator.lower_bound_ / n), learned)

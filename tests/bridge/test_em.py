"""Mixtures by EM and by variational Bayes, with a prior for each example."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, gammaln, logsumexp
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from serket_bridge.inference.em import EM, GaussianMixture, Variational

METHODS = [EM, Variational]


def seeded(seed=0):
    return np.random.default_rng(seed)


def fit(method, z, k=3, log_prior=None, state=None, rng=None):
    log_prior = np.full((len(z), k), -np.log(k)) if log_prior is None else log_prior
    return method(z, log_prior, k, state, rng or seeded())


def classes_of(mixture, z):
    return mixture.log_joint(z).argmax(axis=1)


def assert_same(one, two, **tolerance):
    for name in ("weights", "means", "precisions"):
        arrays = getattr(one.mixture, name), getattr(two.mixture, name)
        np.testing.assert_allclose(*arrays, **tolerance)


def differences(method, z, log_prior, iterations=40):
    """How the bound changes over single iterations that continue from each other."""
    one = method(n_init=1, short_iter=1, max_iter=1, restart=False, reg_covar=0.0)
    fits = [fit(one, z, log_prior=log_prior)]
    for _ in range(iterations):
        fits.append(fit(one, z, log_prior=log_prior, state=fits[-1].state))
    return np.diff([f.bound for f in fits]), fits


# --- Mixture --------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_log_joint_is_scipys(rng, dim):
    weights, means = rng.dirichlet(np.ones(3)), rng.normal(size=(3, dim))
    precisions = stats.wishart.rvs(dim + 2, np.eye(dim), 3, rng).reshape(3, dim, dim)
    z = rng.normal(scale=3, size=(20, dim))
    value = GaussianMixture(weights, means, precisions).log_joint(z)
    for k in range(3):
        density = stats.multivariate_normal(means[k], np.linalg.inv(precisions[k]))
        expected = np.log(weights[k]) + density.logpdf(z)
        np.testing.assert_allclose(value[:, k], expected, rtol=1e-9)


def test_a_class_of_no_weight_has_log_joint_minus_infinity():
    """And warns of nothing, or this test fails."""
    mixture = GaussianMixture(
        np.array([1.0, 0.0]), np.zeros((2, 2)), np.stack([np.eye(2)] * 2)
    )
    value = mixture.log_joint(np.zeros((3, 2)))
    np.testing.assert_allclose(value[:, 0], -np.log(2 * np.pi))
    np.testing.assert_array_equal(value[:, 1], -np.inf)


# --- What both have in common ---------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("prior", ["uniform", "of each example"])
def test_the_bound_never_decreases(method, prior, overlapping, rng):
    log_prior = np.zeros((200, 3))
    if prior != "uniform":
        log_prior = np.log(rng.dirichlet(np.ones(3), size=200))
    change, _ = differences(method, overlapping, log_prior)
    assert change.min() >= -1e-8
    assert change[0] > 1e-4  # there was something to gain


@pytest.mark.parametrize("method", METHODS)
def test_separated_classes_are_found(method, blobs):
    mixture = fit(method(n_init=3), blobs.z).mixture
    assert adjusted_rand_score(blobs.labels, classes_of(mixture, blobs.z)) > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_a_converged_fit_stays_as_it_was(method, blobs):
    first = fit(method(n_init=3, tol=1e-12), blobs.z)
    again = fit(method(restart=False), blobs.z, state=first.state)
    assert_same(first, again, rtol=1e-5, atol=1e-8)
    assert again.bound == pytest.approx(first.bound, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_state_is_left_only_by_fresh_starts(method, blobs):
    """The state has two components in one blob, and one over the two others."""
    z = blobs.z
    poor = np.where(blobs.labels == 2, 1 + np.arange(600) % 2, 0)
    pin = np.where(np.eye(3)[poor] > 0, 0.0, -500.0)
    bad = fit(method(n_init=1), z, log_prior=pin).state
    stays = fit(method(n_init=3, restart=False, max_iter=5), z, state=bad)
    leaves = fit(method(n_init=3, restart=True, max_iter=5), z, state=bad)
    assert adjusted_rand_score(blobs.labels, classes_of(stays.mixture, z)) < 0.8
    assert adjusted_rand_score(blobs.labels, classes_of(leaves.mixture, z)) > 0.95
    assert leaves.bound > stays.bound


@pytest.mark.parametrize("method", METHODS)
def test_starts_on_few_rows_lead_to_the_same_solution(method, blobs):
    few = fit(method(n_init=3, init_subsample=150, tol=1e-10), blobs.z)
    everything = fit(method(n_init=3, tol=1e-10), blobs.z)
    order = [np.argsort(f.mixture.means[:, 0]) for f in (few, everything)]
    for name in ("weights", "means", "precisions"):
        one, two = (
            getattr(f.mixture, name)[o]
            for f, o in zip((few, everything), order, strict=True)
        )
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_result_bit_for_bit(method, overlapping):
    settings = method(n_init=2, max_iter=5, short_iter=5, init_subsample=100)
    one, two, other = (fit(settings, overlapping, rng=seeded(s)) for s in (5, 5, 6))
    assert_same(one, two, rtol=0)
    assert one.bound == two.bound
    assert not np.array_equal(one.mixture.means, other.mixture.means)


@pytest.mark.parametrize("method", METHODS)
def test_a_certain_prior_decides_the_classes(method, blobs, rng):
    """Classes drawn at random: the parameters are their sample moments, or close by."""
    classes = rng.integers(3, size=600)
    log_prior = np.where(np.eye(3)[classes] > 0, 0.0, -np.inf)
    result = fit(method(n_init=1, reg_covar=0.0), blobs.z, log_prior=log_prior)
    assert np.isfinite(result.bound)
    # Variational Bayes draws the moments to its prior, of the weight of about 3 data
    tolerance = {"rtol": 1e-9} if method is EM else {"rtol": 0.1, "atol": 0.3}
    for k in range(3):
        members = blobs.z[classes == k]
        np.testing.assert_allclose(
            result.mixture.weights[k], len(members) / 600, **tolerance
        )
        np.testing.assert_allclose(
            result.mixture.means[k], members.mean(axis=0), **tolerance
        )
        np.testing.assert_allclose(
            np.linalg.inv(result.mixture.precisions[k]),
            np.cov(members.T, bias=True),
            **tolerance,
        )


# --- EM -------------------------------------------------------------------------------


@pytest.mark.parametrize("n_refine", [1, 5])
def test_em_with_a_uniform_prior_is_scikit_learns(overlapping, n_refine):
    """Of six starts, those that are best after a few iterations continue to the end."""
    settings = EM(n_init=6, short_iter=3, max_iter=17, n_refine=n_refine, tol=0.0)
    ours = fit(settings, overlapping, k=4)

    def theirs(seed, max_iter):
        model = sklearn_mixture.GaussianMixture(
            4, tol=0.0, max_iter=max_iter, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(overlapping)

    seeds = seeded().integers(2**31, size=6).tolist()
    seeds.sort(key=lambda seed: theirs(seed, 3).lower_bound_)
    ends = [theirs(seed, 3 + 17) for seed in seeds]
    assert np.ptp([end.lower_bound_ for end in ends]) > 1e-3  # not all alike
    best = max(ends[-n_refine:], key=lambda end: end.lower_bound_)
    np.testing.assert_allclose(ours.mixture.weights, best.weights_, rtol=1e-6)
    np.testing.assert_allclose(ours.mixture.means, best.means_, rtol=1e-6)
    np.testing.assert_allclose(ours.mixture.precisions, best.precisions_, rtol=1e-5)
    # p(z_n) = sum_k (1 / 4) w_k N(z_n; ...): the prior for each example is a factor
    assert ours.bound == pytest.approx(best.lower_bound_ - np.log(4), abs=1e-9)


def test_em_finds_the_parameters_within_three_standard_errors(blobs):
    """Of 18 numbers: a seed in twenty would fail."""
    mixture = fit(EM(n_init=3), blobs.z).mixture
    order = [np.square(mixture.means - m).sum(axis=1).argmin() for m in blobs.means]
    weights, means = mixture.weights[order], mixture.means[order]
    covariances = np.linalg.inv(mixture.precisions)[order]
    n_k = 600 * blobs.weights[:, None]
    error = np.sqrt(blobs.weights * (1 - blobs.weights) / 600)
    assert np.abs((weights - blobs.weights) / error).max() < 3
    variance = np.einsum("kdd->kd", blobs.covariances)
    assert np.abs((means - blobs.means) / np.sqrt(variance / n_k)).max() < 3
    # var(S_ij) = (C_ii C_jj + C_ij^2) / n
    outer = variance[:, :, None] * variance[:, None, :]
    error = np.sqrt((outer + blobs.covariances**2) / n_k[..., None])
    assert np.abs((covariances - blobs.covariances) / error).max() < 3


def test_the_bound_of_em_is_the_log_likelihood_per_example(overlapping, rng):
    prior = rng.dirichlet(np.ones(3), size=200)
    _, fits = differences(EM, overlapping, np.log(prior), iterations=3)
    mixture, z = fits[-2].mixture, overlapping
    joint = [
        mixture.weights[k]
        * prior[:, k]
        * stats.multivariate_normal(
            mixture.means[k], np.linalg.inv(mixture.precisions[k])
        ).pdf(z)
        for k in range(3)
    ]
    assert fits[-1].bound == pytest.approx(np.log(np.sum(joint, axis=0)).mean())


def test_a_prior_decides_what_the_example_alone_does_not(blobs):
    """An example half way between two blobs moves the mean of the certain class."""
    z = np.concatenate([blobs.z[blobs.labels < 2], [[0.0, 2.0]]])
    log_prior = np.zeros((len(z), 2))
    n, mean = np.bincount(blobs.labels)[0], blobs.z[blobs.labels == 0].mean(axis=0)
    first = fit(EM(n_init=1), z, k=2, log_prior=log_prior)
    left = first.mixture.means[:, 0].argmin()
    for certain in (left, 1 - left):
        log_prior[-1] = np.where(np.arange(2) == certain, 0.0, -100.0)
        again = EM(restart=False)
        result = fit(again, z, k=2, log_prior=log_prior, state=first.state).mixture
        expected = (n * mean + z[-1]) / (n + 1) if certain == left else mean
        np.testing.assert_allclose(result.means[left], expected, atol=1e-4)


# --- Variational Bayes ----------------------------------------------------------------


def responsibilities(state, z, log_prior):
    """Bishop (2006), 10.46, 10.64-10.67, for scikit-learn's names of the parameters."""
    s, dim = SimpleNamespace(**state), z.shape[1]
    nu, beta, alpha = (
        s.degrees_of_freedom_,
        s.mean_precision_,
        s.weight_concentration_,
    )
    log_det = np.linalg.slogdet(s.precisions_ / nu[:, None, None])[1]
    halves = (nu[:, None] - np.arange(dim)) / 2
    log_lambda = digamma(halves).sum(axis=1) + dim * np.log(2) + log_det
    centred = z[:, None] - s.means_
    distance = np.einsum("nki,kij,nkj->nk", centred, s.precisions_, centred)
    log_rho = digamma(alpha) - digamma(alpha.sum()) + log_lambda / 2 - dim / beta / 2
    log_rho = log_rho - distance / 2 - dim / 2 * np.log(2 * np.pi) + log_prior
    return log_rho - logsumexp(log_rho, axis=1, keepdims=True)


def log_evidence_terms(state, log_r, z, log_prior):
    """The bound of `state`, optimal given r: log of ratios of conjugate normalisers."""
    s, dim, r = SimpleNamespace(**state), z.shape[1], np.exp(log_r)
    nu, beta, alpha = (
        s.degrees_of_freedom_,
        s.mean_precision_,
        s.weight_concentration_,
    )
    log_det_scale = np.linalg.slogdet(s.covariances_ * nu[:, None, None])[1]
    halves = (nu[:, None] - np.arange(dim)) / 2
    normal_wishart = gammaln(halves).sum(axis=1) + nu * dim / 2 * np.log(2)
    normal_wishart += -nu / 2 * log_det_scale - dim / 2 * np.log(beta)
    dirichlet = gammaln(alpha).sum() - gammaln(alpha.sum())
    entropy = -(r * log_r).sum()
    return normal_wishart.sum() + dirichlet + entropy + (r * log_prior).sum()


def test_the_variational_bound_is_that_of_the_model_per_example(overlapping, rng):
    """Up to a constant, that is in differences; the E-step is Bishop's too."""
    log_prior = np.log(rng.dirichlet(np.ones(3), size=200))
    change, fits = differences(Variational, overlapping, log_prior, iterations=6)
    states = [f.state for f in fits]
    expected = [
        log_evidence_terms(
            now, responsibilities(last, overlapping, log_prior), overlapping, log_prior
        )
        for last, now in zip(states, states[1:], strict=False)
    ]
    np.testing.assert_allclose(change[1:], np.diff(expected) / 200, rtol=1e-6)


def test_superfluous_classes_are_emptied(blobs):
    """Their weights fall to their prior's share, (1 / K) / (n + 1)."""
    mixture = fit(Variational(n_init=3, max_iter=1000), blobs.z, k=6).mixture
    weights = np.sort(mixture.weights)
    np.testing.assert_allclose(weights[:3], 1 / 6 / 601, rtol=0.05)
    shares = np.sort(np.bincount(blobs.labels)) / 600
    np.testing.assert_allclose(weights[3:], shares, atol=0.005)
    assert adjusted_rand_score(blobs.labels, classes_of(mixture, blobs.z)) > 0.95


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_start_that_fails_does_not_count(seed):
    """Some isolate six equal points, whose covariance is 0; the best other one wins."""
    rng = np.random.default_rng(seed)
    left, right = (
        rng.normal(size=(2, 40, 2)) + np.array([[0.0, 0.0], [8.0, 0.0]])[:, None]
    )
    z = np.concatenate([left, np.tile([2.5, 0.0], (6, 1)), right])
    bounds = []
    for start in seeded().integers(2**31, size=10).tolist():
        own = sklearn_mixture.GaussianMixture(3, reg_covar=0.0, random_state=start)
        try:
            bounds.append(own.fit(z).lower_bound_)
        except ValueError:
            pass
    assert 0 < len(bounds) < 10
    em = EM(n_init=10, n_refine=10, reg_covar=0.0)
    found = fit(em, z, log_prior=np.zeros((len(z), 3)))
    assert found.bound == pytest.approx(max(bounds), abs=0.01)


def test_if_all_starts_fail_the_error_is_scikit_learns():
    with pytest.raises(ValueError, match="reg_covar"):
        fit(EM(n_init=3, reg_covar=0.0), np.tile([[0.0, 0.0], [1.0, 1.0]], (20, 1)), 2)

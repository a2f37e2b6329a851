"""EM over chunks of rows: scikit-learn's parameters, from any chunks, in little memory.

What EM and every other inference have in common is in `test_mixture`.
"""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp
from sklearn import mixture as sklearn_mixture
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from serket_bridge import GMM, Gaussian, MessageLoop, Observation, load
from serket_bridge.inference.chunked_em import (
    coefficients,
    e_step,
    features_of,
    fit_em,
)
from serket_bridge.inference.em import EM, GaussianMixture


@pytest.fixture
def start(overlapping):
    """A mixture that is far from the end."""
    precisions = np.stack([np.eye(2) * scale for scale in (0.5, 1.0, 2.0)])
    return GaussianMixture(
        np.array([0.5, 0.3, 0.2]), overlapping[:3].copy(), precisions
    )


def scikit_learns(z, start, iterations, reg_covar=1e-6):
    estimator = sklearn_mixture.GaussianMixture(
        len(start.weights),
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=start.precisions,
        init_params="random_from_data",
        max_iter=iterations,
        tol=0.0,
        reg_covar=reg_covar,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(z)


def run(z, start, iterations=5, log_prior=None, rows=64, reg_covar=1e-6):
    log_prior = (
        np.zeros((len(z), len(start.weights))) if log_prior is None else log_prior
    )
    return fit_em(z, log_prior, start, iterations, 0.0, reg_covar, rows)


def assert_same(one, two, **tolerance):
    for name in ("weights", "means", "precisions"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), **tolerance)


@pytest.mark.parametrize("rows", [1, 7, 100, 200, 4096])
@pytest.mark.parametrize("iterations", [1, 25])
def test_scikit_learns_parameters(overlapping, start, rows, iterations):
    expected = scikit_learns(overlapping, start, iterations)
    mixture, bound, count = run(overlapping, start, iterations, rows=rows)
    np.testing.assert_allclose(mixture.weights, expected.weights_, rtol=1e-7)
    np.testing.assert_allclose(mixture.means, expected.means_, rtol=1e-7)
    np.testing.assert_allclose(mixture.precisions, expected.precisions_, rtol=1e-6)
    assert bound == pytest.approx(expected.lower_bound_, abs=1e-9)
    assert count == iterations


def test_far_from_zero_and_in_sixteen_dimensions(rng):
    """Rows 10^4 deviations from the origin: what cancels is the distance to a class."""
    factor = rng.normal(size=(16, 16)) / 4 + np.eye(16)
    z = rng.normal(size=(900, 16)) @ factor + 4.0 * rng.integers(3, size=(900, 1)) + 1e4
    precisions = np.stack([np.eye(16)] * 3)
    start = GaussianMixture(np.full(3, 1 / 3), z[:3].copy(), precisions)
    expected = scikit_learns(z, start, 8)
    mixture, bound, _ = run(z, start, 8, rows=128)
    np.testing.assert_allclose(mixture.means, expected.means_, rtol=1e-9)
    np.testing.assert_allclose(
        mixture.precisions, expected.precisions_, rtol=1e-6, atol=1e-6
    )
    assert bound == pytest.approx(expected.lower_bound_, abs=1e-7)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_log_of_a_gaussian_is_linear_in_the_features(rng, dim):
    weights, means = rng.dirichlet(np.ones(3)), rng.normal(size=(3, dim))
    precisions = stats.wishart.rvs(dim + 2, np.eye(dim), 3, rng).reshape(3, dim, dim)
    z, centre = rng.normal(size=(20, dim)), rng.normal(size=dim)
    value = coefficients(GaussianMixture(weights, means, precisions), centre)
    value = (value @ features_of(z - centre)).T
    for k in range(3):
        density = stats.multivariate_normal(means[k], np.linalg.inv(precisions[k]))
        expected = np.log(weights[k]) + density.logpdf(z)
        np.testing.assert_allclose(value[:, k], expected, rtol=1e-9)


def test_the_sums_of_a_pass_with_a_prior_for_each_datum(overlapping, start, rng):
    z, centre = overlapping, np.array([0.5, -1.0])
    log_prior = np.log(rng.dirichlet(np.ones(3), size=200))
    joint = np.stack(
        [
            np.log(w) + stats.multivariate_normal(m, np.linalg.inv(p)).logpdf(z)
            for w, m, p in zip(*vars(start).values(), strict=True)
        ],
        axis=1,
    )
    joint += log_prior
    r = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    sums, log_likelihood = e_step(z, log_prior, start, centre, rows=33)
    assert log_likelihood == pytest.approx(logsumexp(joint, axis=1).sum())
    np.testing.assert_allclose(sums[:, -1], r.sum(axis=0))
    np.testing.assert_allclose(sums[:, 3:5], r.T @ (z - centre))
    squares = r.T @ np.square(z - centre)
    np.testing.assert_allclose(sums[:, [0, 2]], squares)


def test_the_bound_never_decreases(overlapping, start, rng):
    log_prior = np.log(rng.dirichlet(np.ones(3), size=200))
    bounds, mixture = [], start
    for _ in range(40):
        mixture, bound, _ = run(overlapping, mixture, 1, log_prior, 50, 0.0)
        bounds.append(bound)
    change = np.diff(bounds)
    assert change.min() >= -1e-10 and change[0] > 1e-4


def test_the_same_to_the_last_bit(overlapping, start):
    one, two = (run(overlapping, start, 20, rows=16) for _ in range(2))
    assert_same(one[0], two[0], rtol=0)
    assert one[1] == two[1]


def test_it_stops_when_the_bound_does(overlapping, start):
    log_prior = np.zeros((200, 3))
    _, _, count = fit_em(overlapping, log_prior, start, 500, 1e-3, 1e-6)
    assert 2 < count < 100
    assert count == scikit_learns_count(overlapping, start, 1e-3)


def scikit_learns_count(z, start, tol):
    estimator = scikit_learns(z, start, 1)
    estimator.set_params(tol=tol, max_iter=500)
    return estimator.fit(z).n_iter_


def test_a_prior_of_minus_infinity_decides_the_classes(blobs):
    certain = np.where(np.eye(3)[blobs.labels] > 0, 0.0, -np.inf)
    anywhere = GaussianMixture(
        np.full(3, 1 / 3), blobs.z[:3], np.stack([np.eye(2)] * 3)
    )
    mixture, bound, _ = run(blobs.z, anywhere, 2, certain, reg_covar=0.0)
    assert np.isfinite(bound)
    for k in range(3):
        rows = blobs.z[blobs.labels == k]
        np.testing.assert_allclose(mixture.means[k], rows.mean(axis=0))
        covariance = np.linalg.inv(mixture.precisions[k])
        np.testing.assert_allclose(covariance, np.cov(rows.T, bias=True), rtol=1e-9)


def test_memory_maps_are_read_in_memory_that_does_not_grow(tmp_path, rng):
    """Ten times the rows: the peak is the same to a tenth."""
    peaks = []
    for n in (20_000, 200_000):
        maps = [
            np.lib.format.open_memmap(tmp_path / f"{name}-{n}.npy", "w+", kind, (n, d))
            for name, kind, d in (("z", np.float32, 4), ("log_prior", np.float64, 3))
        ]
        maps[0][:] = rng.standard_normal((n, 4))
        start = GaussianMixture(
            np.full(3, 1 / 3), rng.normal(size=(3, 4)), np.stack([np.eye(4)] * 3)
        )
        tracemalloc.start()
        run(maps[0], start, 1, maps[1], rows=1024)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 2e5  # a future for each chunk
    assert peaks[1] < 2e6  # and z alone would be 6.4e6 as float64


def test_a_class_of_one_point_is_refused(start):
    z = np.repeat([[0.0, 0.0], [9.0, 9.0], [5.0, 0.0]], 30, axis=0)
    with pytest.raises(ValueError, match="not positive definite.*larger reg_covar"):
        run(z, start, 30, reg_covar=0.0)


# --- As an inference of GMM -----------------------------------------------------------


def infer(method, z, k=3, state=None, seed=0):
    log_prior = np.zeros((len(z), k))
    return method(z, log_prior, k, state, np.random.default_rng(seed))


def test_chunks_of_many_rows_lead_to_the_same_mixture(blobs):
    few, many = (
        infer(EM(n_init=3, tol=1e-12, init_subsample=n), blobs.z) for n in (600, 150)
    )
    classes = [fit.mixture.log_joint(blobs.z).argmax(axis=1) for fit in (few, many)]
    assert adjusted_rand_score(*classes) == 1.0
    assert many.bound == pytest.approx(few.bound, abs=1e-6)


def test_its_state_is_scikit_learns(blobs):
    """A round with few rows can continue from one with many."""
    fit = infer(EM(n_init=3, tol=1e-12, init_subsample=150), blobs.z)
    again = infer(EM(restart=False), blobs.z, state=fit.state)
    assert_same(fit.mixture, again.mixture, rtol=1e-5, atol=1e-8)
    assert again.bound == pytest.approx(fit.bound, abs=1e-8)


def test_a_sample_decides_whether_to_start_again(blobs):
    pinned = np.where(blobs.labels == 2, 1 + np.arange(600) % 2, 0)
    pin = np.where(np.eye(3)[pinned] > 0, 0.0, -500.0)
    bad = EM(n_init=1)(blobs.z, pin, 3, None, np.random.default_rng(0)).state
    short = {"n_init": 3, "init_subsample": 200, "max_iter": 5}
    stays = infer(EM(**short, restart=False), blobs.z, state=bad)
    leaves = infer(EM(**short), blobs.z, state=bad)
    assert leaves.bound > stays.bound + 0.1
    good = infer(EM(**short, tol=1e-12), blobs.z, state=leaves.state)
    assert_same(good.mixture, leaves.mixture, rtol=1e-3, atol=1e-5)


def test_a_loop_with_it_is_saved_and_loaded(blobs, tmp_path):
    obs = Observation(blobs.z)
    gmm = GMM(3, inference=EM(n_init=2, rows=100, init_subsample=200), seed=0)
    gmm.connect(obs)
    MessageLoop([obs, gmm]).run(2, verbose=False, folder=tmp_path)
    assert adjusted_rand_score(blobs.labels, gmm.classes) > 0.95
    twin = load(tmp_path, blobs.z)["gmm"]
    assert twin.inference == gmm.inference
    np.testing.assert_array_equal(twin.classes, gmm.classes)
    assert isinstance(gmm.prior, Gaussian)

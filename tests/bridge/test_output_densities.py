"""Densities of a network's outputs, and expectations by cubature, against SciPy."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax, softmax

from serket_bridge.inference import cubature
from serket_bridge.inference.output_densities import (
    Normal,
    Softmax,
    expected_rows,
    residual_variance,
)

N, M = 6, 3


@pytest.fixture
def outputs(rng):
    return 2 * rng.normal(size=(N, M))


@pytest.fixture
def cases(rng):
    """(density, target) of classes known and not, and of real values."""
    with np.errstate(divide="ignore"):
        known = np.log(np.eye(M)[np.arange(N) % M])
    soft = np.log(rng.dirichlet(np.ones(M), N))
    values = rng.normal(size=(N, M))
    return [(Softmax(), known), (Softmax(), soft), (Normal(0.3), values)]


def test_log_likelihoods_are_scipys(outputs, cases):
    (density, known), (_, soft), (normal, values) = cases
    p = softmax(outputs, axis=1)
    rows = np.arange(N)
    expected = stats.multinomial(1, p).logpmf(np.eye(M, dtype=int)[rows % M])
    np.testing.assert_allclose(density.log_likelihood(outputs, known), expected)
    expected = np.log((p * np.exp(soft)).sum(axis=1))
    np.testing.assert_allclose(density.log_likelihood(outputs, soft), expected)
    law = stats.multivariate_normal(np.zeros(M), 0.3)
    expected = law.logpdf(values - outputs)
    np.testing.assert_allclose(normal.log_likelihood(outputs, values), expected)


def test_gradients_and_curvatures_are_differences(outputs, cases, rng):
    """Of the log-likelihood along linear outputs f(z) = outputs + A z."""
    jacobian, h = rng.normal(size=(N, M, 2)), 1e-4
    for density, target in cases:

        def along(z, density=density, target=target):
            return density.log_likelihood(outputs + jacobian @ z, target)

        steps = h * np.eye(2)
        gradient = np.stack([along(d) - along(-d) for d in steps], axis=1) / (2 * h)
        found = density.gradient(outputs, target)
        found = np.einsum("nm,nmd->nd", found, jacobian)
        np.testing.assert_allclose(found, gradient, atol=1e-6)
        curvature = density.curvature(outputs, target, jacobian)
        for i, j in ((0, 0), (0, 1), (1, 1)):
            a, b = steps[i], steps[j]
            mixed = along(a + b) - along(a - b) - along(b - a) + along(-a - b)
            expected = -mixed / (4 * h * h)
            np.testing.assert_allclose(curvature[:, i, j], expected, atol=1e-5)


def test_a_mixture_of_classes_and_of_normals(rng):
    outputs, weights = rng.normal(size=(4, 1, M)), rng.dirichlet(np.ones(4), N).T
    log_prob = Softmax().mixture(outputs, weights)
    expected = weights.T @ softmax(outputs[:, 0], axis=1)
    np.testing.assert_allclose(np.exp(log_prob), expected)
    mean, precision = Normal(0.3).mixture(outputs, weights)
    np.testing.assert_allclose(mean, weights.T @ outputs[:, 0])
    draws = rng.choice(4, p=weights[:, 0], size=200_000)
    y = outputs[draws, 0] + np.sqrt(0.3) * rng.standard_normal((200_000, M))
    np.testing.assert_allclose(1 / precision[0], y.var(axis=0), rtol=0.02)
    apart = np.broadcast_to(outputs, (4, N, M))
    np.testing.assert_allclose(Normal(0.3).mixture(apart, weights)[1], precision)


def test_rows_at_common_points_have_the_loss_of_all_rows(rng, cases):
    """The cross-entropy and the squared error of all examples and points, weighted."""
    points, weights = np.eye(4)[:, None], rng.random((4, N))
    before, after = rng.normal(size=(2, 4, 1, M))

    def cross_entropy(y, f):
        return -(y * log_softmax(f, axis=-1)).sum(axis=-1)

    def squared_error(y, f):
        return np.square(y - f).sum(axis=-1)

    for density, target in cases:
        is_class = isinstance(density, Softmax)
        loss = cross_entropy if is_class else squared_error
        x, y, w = expected_rows(density, points, before, weights, target)
        np.testing.assert_array_equal(x, np.eye(4))
        y_of_each = np.stack([density.expected_target(o, target) for o in before])
        of_all = [
            (weights * loss(y_of_each, f)).sum() for f in (after, np.zeros_like(after))
        ]
        of_rows = [
            (w * loss(y, f)).sum() for f in (after[:, 0], np.zeros_like(after[:, 0]))
        ]
        scale = weights.sum() / w.sum()
        # but for a constant, the spread of y around its mean
        assert np.diff(of_all) == pytest.approx(scale * np.diff(of_rows))


def test_rows_of_single_points_stay_as_they_are(rng, cases):
    x, f = rng.normal(size=(1, N, 2)), rng.normal(size=(1, N, M))
    _, (density, soft), _ = cases
    rows = expected_rows(density, x, f, np.full((1, N), 0.5), soft)
    expected = softmax(log_softmax(f[0], axis=1) + soft, axis=1)
    for found, value in zip(rows, (x[0], expected, np.full(N, 0.5)), strict=True):
        np.testing.assert_allclose(found, value)


def test_the_variance_is_that_of_the_residuals(rng):
    y, f = rng.normal(size=(N, M)), rng.normal(size=(2, 1, M))
    r = rng.dirichlet(np.ones(2), N).T
    total = sum(
        r[p, n] * (y[n] - f[p, 0]) @ (y[n] - f[p, 0]) for p, n in np.ndindex(2, N)
    )
    assert residual_variance(f, r, y) == pytest.approx(total / (N * M))


# --- Cubature -------------------------------------------------------------------------


def test_the_mean_over_the_points_is_exact_for_cubic_functions(rng):
    mean, deviation = rng.normal(size=(N, 2)), rng.random((N, 2)) + 0.1
    a, b = np.moveaxis(cubature.points(mean, deviation), -1, 0)
    assert a.shape == (4, N)
    (m, n), (s, _) = mean.T, deviation.T
    cubic = (a**3 + a * b + a**2).mean(axis=0)
    np.testing.assert_allclose(cubic, m**3 + 3 * m * s**2 + m * n + m**2 + s**2)


def test_the_fit_of_a_linear_function_is_itself(rng):
    mean, deviation = rng.normal(size=(N, 2)), rng.random((N, 2)) + 0.1
    A, b = rng.normal(size=(M, 2)), rng.normal(size=M)
    centre, slopes = cubature.linear_fit(
        cubature.points(mean, deviation) @ A.T + b, deviation
    )
    np.testing.assert_allclose(centre, mean @ A.T + b)
    np.testing.assert_allclose(slopes, np.broadcast_to(A, (N, M, 2)), atol=1e-12)


def test_the_message_of_a_linear_normal_is_the_posterior(rng):
    """Of z ~ N(0, I) given y ~ N(A z + b, s^2 I); wherever it is expanded."""
    mean, A, b = rng.normal(size=(N, 2)), rng.normal(size=(M, 2)), rng.normal(size=M)
    y, density = rng.normal(size=(N, M)), Normal(0.3)
    jacobian, outputs = np.broadcast_to(A, (N, M, 2)), mean @ A.T + b
    curvature = density.curvature(outputs, y, jacobian)
    gradient = density.gradient(outputs, y) @ A
    found = cubature.gaussian_message(mean, curvature, gradient, 0.0, 1.0)
    precision = A.T @ A / 0.3 + np.eye(2)
    expected = np.linalg.solve(precision, A.T @ (y - b).T / 0.3).T
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_allclose(found[1], np.tile(np.diag(precision), (N, 1)))


def test_a_curvature_that_is_no_density_counts_as_flat():
    curvature = np.array([[[2.0, 0.0], [0.0, -3.0]]])
    mean, precision = cubature.gaussian_message(
        np.zeros((1, 2)), curvature, np.ones((1, 2)), 0.0, 1.0
    )
    np.testing.assert_allclose(mean, [[1 / 3, 1.0]])
    np.testing.assert_allclose(precision, [[3.0, 1.0]])

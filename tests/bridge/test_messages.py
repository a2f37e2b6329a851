"""Messages: products against grids of SciPy's densities, moments, and refusals."""

import numpy as np
import pytest
from scipy import stats

from serket_bridge import Categorical, Gaussian


def gaussian(rng, shape=(3, 2)):
    return Gaussian(rng.normal(size=shape), rng.gamma(2.0, size=shape) + 0.2)


# --- Gaussian -------------------------------------------------------------------------


def test_product_of_gaussians_is_the_normalised_product_of_their_densities(rng):
    one, two = gaussian(rng), gaussian(rng)
    product = one * two
    grid = np.linspace(-15, 15, 20_001)
    for index in np.ndindex(3, 2):
        density = np.ones_like(grid)
        for factor in (one, two):
            scale = 1 / np.sqrt(factor.precision[index])
            density *= stats.norm.pdf(grid, factor.mean[index], scale)
        density /= density.sum()
        mean = (density * grid).sum()
        variance = (density * (grid - mean) ** 2).sum()
        assert product.mean[index] == pytest.approx(mean, rel=1e-6)
        assert 1 / product.precision[index] == pytest.approx(variance, rel=1e-6)


def test_gaussian_products_commute_and_associate(rng):
    a, b, c = (gaussian(rng) for _ in range(3))
    for one, two in ((a * b, b * a), ((a * b) * c, a * (b * c))):
        np.testing.assert_allclose(one.mean, two.mean, rtol=1e-12)
        np.testing.assert_allclose(one.precision, two.precision, rtol=1e-12)


def test_a_gaussian_of_hardly_any_precision_is_neutral(rng):
    one = gaussian(rng)
    product = one * Gaussian(rng.normal(size=(3, 2)), np.full((3, 2), 1e-12))
    np.testing.assert_allclose(product.mean, one.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(product.precision, one.precision, rtol=1e-9)


@pytest.mark.parametrize("value", [2.0, 0.0])
@pytest.mark.parametrize("point_first", [True, False])
def test_a_point_times_a_gaussian_is_the_point(rng, value, point_first):
    """The limit of growing precision: what is known stays known."""
    point, other = Gaussian.point(np.full((3, 2), value)), gaussian(rng)
    product = point * other if point_first else other * point
    np.testing.assert_array_equal(product.mean, point.mean)
    np.testing.assert_array_equal(product.precision, np.inf)


@pytest.mark.parametrize("shape", [(4, 2), (4, 3, 2)])
def test_samples_have_the_moments_of_the_message(rng, shape):
    message = gaussian(rng, shape)
    draws = np.stack([message.sample(rng) for _ in range(20_000)])
    variance = 1 / message.precision
    z_mean = (draws.mean(axis=0) - message.mean) / np.sqrt(variance / 20_000)
    z_variance = (draws.var(axis=0) / variance - 1) / np.sqrt(2 / 20_000)
    # 16 to 48 values within 4.5 standard errors: fails by chance once in 3000 seeds
    assert np.abs(z_mean).max() < 4.5
    assert np.abs(z_variance).max() < 4.5


def test_samples_of_data_are_independent(rng):
    message = Gaussian.standard(2, 2)
    draws = np.stack([message.sample(rng).ravel() for _ in range(10_000)])
    correlation = np.corrcoef(draws.T) - np.eye(4)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(10_000)


def test_a_point_is_sampled_as_itself(rng):
    value = rng.normal(size=(5, 3))
    message = Gaussian.point(value)
    np.testing.assert_array_equal(message.sample(rng), value)
    np.testing.assert_array_equal(message.precision, np.full((5, 3), np.inf))


def test_the_default_is_the_standard_normal():
    message = Gaussian.standard(4, 3)
    assert (len(message), message.dim) == (4, 3)
    np.testing.assert_array_equal(message.mean, np.zeros((4, 3)))
    np.testing.assert_array_equal(message.precision, np.ones((4, 3)))


@pytest.mark.parametrize(
    "mean, precision, error",
    [
        (np.zeros((3, 2)), np.ones((3, 1)), r"one shape.*mean \(3, 2\), precision"),
        (np.zeros((3, 2)), np.ones((2, 3)), "mean and precision must have one shape"),
        (np.zeros(3), np.ones(3), r"must have one shape, \(n, ...\)"),
        (np.zeros(()), np.ones(()), r"must have one shape, \(n, ...\)"),
        (np.array([[0.0, np.nan], [np.nan, 1.0]]), np.ones((2, 2)), "finite.* 2 val"),
        (np.array([[0.0, np.inf]]), np.ones((1, 2)), "mean must be finite.* 1 values"),
        (np.array([[0.0, -np.inf]]), np.full((1, 2), np.inf), "mean must be finite"),
        (np.zeros((1, 2)), np.array([[1.0, 0.0]]), "precision must be > 0.* 0.0"),
        (np.zeros((1, 2)), np.array([[1.0, -2.0]]), "precision must be > 0.* -2.0"),
        (np.zeros((1, 2)), np.array([[1.0, np.nan]]), "precision must be > 0.* nan"),
    ],
)
def test_gaussian_refuses(mean, precision, error):
    with pytest.raises(ValueError, match=error):
        Gaussian(mean, precision)


def test_a_product_of_gaussians_divided_by_one_is_the_other(rng):
    one, two = gaussian(rng), gaussian(rng)
    quotient = one * two / two
    np.testing.assert_allclose(quotient.mean, one.mean, rtol=1e-9)
    np.testing.assert_allclose(quotient.precision, one.precision, rtol=1e-9)


def test_a_quotient_of_gaussians_is_that_of_their_densities(rng):
    narrow, wide = Gaussian([[0.7]], [[3.0]]), Gaussian([[-0.4]], [[0.5]])
    quotient = narrow / wide
    z = rng.normal(size=50)
    densities = [
        stats.norm(message.mean[0, 0], message.precision[0, 0] ** -0.5).logpdf(z)
        for message in (narrow, wide, quotient)
    ]
    difference = densities[0] - densities[1] - densities[2]
    np.testing.assert_allclose(difference, difference[0], rtol=1e-9)


def test_a_point_divided_by_a_gaussian_is_the_point(rng):
    point, other = Gaussian.point(np.full((3, 2), 2.0)), gaussian(rng)
    np.testing.assert_array_equal((point / other).mean, 2.0)
    assert (point / other).is_point


def test_a_gaussian_is_not_divided_by_one_that_is_no_factor(rng):
    one, point = gaussian(rng), Gaussian.point(np.zeros((3, 2)))
    narrower = Gaussian(one.mean, one.precision * 2)
    for divisor in (one, narrower, point):
        with pytest.raises(ValueError, match="divided by one of lower prec.* differ"):
            one / divisor
    with pytest.raises(ValueError, match="divided by one of lower precision"):
        point / point


# --- Categorical ----------------------------------------------------------------------


def test_product_of_categoricals_is_the_normalised_product(rng):
    p, q = (rng.dirichlet(np.ones(4), size=5) for _ in range(2))
    p[0, 1] = 0.0
    with np.errstate(divide="ignore"):
        product = Categorical(np.log(p)) * Categorical(np.log(q))
    expected = p * q / (p * q).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(product.prob, expected, rtol=1e-12)
    assert product.prob[0, 1] == 0.0


def test_the_uniform_categorical_is_neutral(rng):
    one = Categorical(rng.normal(size=(5, 4)))
    uniform = Categorical.uniform(5, 4)
    assert (len(uniform), uniform.dim) == (5, 4)
    np.testing.assert_allclose(uniform.prob, 0.25, rtol=1e-12)
    np.testing.assert_allclose((one * uniform).log_prob, one.log_prob, rtol=1e-12)


@pytest.mark.parametrize("shift", [0.0, 5000.0, -5000.0])
def test_log_prob_is_normalised_at_any_height(rng, shift):
    log_prob = rng.normal(size=(5, 4))
    expected = np.exp(log_prob) / np.exp(log_prob).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(Categorical(log_prob + shift).prob, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "log_prob, error",
    [
        (np.zeros(3), r"shape \(n, n_components\). Received: \(3,\)"),
        (np.zeros((3, 2, 2)), r"shape \(n, n_components\). Received: \(3, 2, 2\)"),
        ([[0.0, 0.0], [-np.inf, -np.inf]], "one above -inf .* in row 1"),
        ([[0.0, 0.0], [0.0, 0.0], [np.nan, 0.0]], "Received in row 2: .nan"),
        ([[0.0, np.inf], [0.0, 0.0]], "numbers or -inf.* in row 0"),
    ],
)
def test_categorical_refuses(log_prob, error):
    with pytest.raises(ValueError, match=error):
        Categorical(np.asarray(log_prob))


def test_categoricals_that_exclude_each_other_are_refused():
    with np.errstate(divide="ignore"):
        one, two = (Categorical(np.log([row])) for row in ([1.0, 0.0], [0.0, 1.0]))
    with pytest.raises(ValueError, match="one above -inf in every row"):
        one * two


def test_a_product_of_categoricals_divided_by_one_is_the_other(rng):
    p, q = rng.dirichlet(np.ones(4), size=(2, 5))
    p[0, 1] = 0.0
    with np.errstate(divide="ignore"):
        one, two = Categorical(np.log(p)), Categorical(np.log(q))
    np.testing.assert_allclose((one * two / two).prob, one.prob, rtol=1e-12)
    np.testing.assert_allclose((two / two).prob, 0.25, rtol=1e-12)
    quotient = one / one  # 0 / 0 stays impossible
    np.testing.assert_allclose(quotient.prob[0], [1 / 3, 0, 1 / 3, 1 / 3], rtol=1e-12)
    with pytest.raises(ValueError, match="numbers or -inf.* in row 0"):
        two / one


def test_log_overlap_is_log_k_sum_p_q(rng):
    p, q = rng.dirichlet(np.ones(4), size=(2, 5))
    one, two = Categorical(np.log(p)), Categorical(np.log(q))
    expected = np.log(4 * (p * q).sum(axis=1))
    np.testing.assert_allclose(one.log_overlap(two), expected)
    uniform = Categorical.uniform(5, 4)
    np.testing.assert_allclose(one.log_overlap(uniform), 0.0, atol=1e-12)


# --- A message never changes ----------------------------------------------------------


@pytest.mark.parametrize("view", [False, True], ids=["array", "read-only view"])
@pytest.mark.parametrize("make", [Gaussian, Gaussian.point, Categorical])
def test_a_message_never_changes_after_it_was_sent(make, view):
    own = np.ones((3, 2))
    sent = own.view()
    sent.flags.writeable = not view
    message = make(sent, sent) if make is Gaussian else make(sent)
    names = ("log_prob",) if make is Categorical else ("mean", "precision")
    before = {name: np.array(getattr(message, name)) for name in names}
    own[:] = 7.0  # the sender continues to use its array
    for name in names:
        array = getattr(message, name)
        np.testing.assert_array_equal(array, before[name])
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0
        with pytest.raises(AttributeError):
            setattr(message, name, own)

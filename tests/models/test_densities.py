"""Densities and divergences against SciPy, Monte Carlo and finite differences."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import special, stats

from models.blocks import densities


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def value_of(function, *arrays):
    """The function of these arrays: tensors go in, an array comes out."""
    return numpy_of(function(*map(ops.convert_to_tensor, arrays)))


@pytest.mark.parametrize("shape", [(7, 5), (7, 4, 3), (7, 4, 3, 2)])
@pytest.mark.parametrize("sigma", [1.0, 0.3, 20.0])
def test_gaussian_log_likelihood_is_scipys(rng, shape, sigma):
    x, mean = rng.normal(size=(2, *shape)).astype("float32")
    expected = stats.norm.logpdf(x, mean, sigma).reshape(7, -1).sum(axis=1)
    log_sigma = np.float32(np.log(sigma))
    value = value_of(densities.gaussian_log_likelihood, x, mean, log_sigma)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(7, 5), (7, 4, 3)])
def test_bernoulli_log_likelihood_is_scipys(rng, shape):
    logits = rng.normal(scale=3, size=shape).astype("float32")
    x = (rng.random(shape) < 0.5).astype("float32")
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    expected = stats.bernoulli.logpmf(x, p).reshape(7, -1).sum(axis=1)
    value = value_of(densities.bernoulli_log_likelihood, x, logits)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize("logit", [-1000.0, -100.0, 100.0, 1000.0])
def test_bernoulli_log_likelihood_is_finite_and_exact_at_extreme_logits(logit):
    x = np.array([[0.0], [1.0]], "float32")
    value = value_of(densities.bernoulli_log_likelihood, x, np.full_like(x, logit))
    np.testing.assert_allclose(value, [min(0, -logit), min(0, logit)], atol=1e-6)


EXTREMES = [-1e4, -100.0, -20.0, -3.0, -1e-3, 0.0, 1e-3, 3.0, 20.0, 100.0, 1e4]


class Softplus(keras.layers.Layer):
    """softplus of its own weights, whatever comes in."""

    def build(self, input_shape):
        start = lambda shape, dtype: ops.reshape(ops.array(EXTREMES, dtype), shape)  # noqa: E731
        self.w = self.add_weight(shape=(len(EXTREMES),), initializer=start)

    def call(self, x):
        return densities.softplus(1.0 * self.w) + 0.0 * x


def test_softplus_is_scipys_and_its_gradient_is_the_sigmoid():
    """A step of gradient descent of rate 1 on the sum subtracts the gradient."""
    layer = Softplus()
    model = keras.Sequential([keras.Input((len(EXTREMES),)), layer])
    w = np.array(EXTREMES)
    value = model(np.zeros((1, len(w)), "float32"))
    np.testing.assert_allclose(numpy_of(value)[0], np.logaddexp(0, w), atol=1e-6)
    total = lambda y, value: ops.sum(value)  # noqa: E731
    model.compile(keras.optimizers.SGD(1.0), loss=total)
    model.train_on_batch(np.zeros((1, len(w))), np.zeros((1, len(w))))
    moved = np.array(EXTREMES, "float32") - numpy_of(layer.w)
    np.testing.assert_allclose(moved[2:-2], special.expit(w)[2:-2], atol=1e-6)
    assert numpy_of(layer.w)[0] == -1e4 and numpy_of(layer.w)[-1] == 1e4 - 1


def test_bernoulli_log_likelihood_is_highest_where_the_mean_is_x():
    x = np.full((201, 1), 0.7, "float32")
    logits = np.linspace(-4, 4, 201, dtype="float32")[:, None]
    best = value_of(densities.bernoulli_log_likelihood, x, logits).argmax()
    assert 1 / (1 + np.exp(-logits[best, 0])) == pytest.approx(0.7, abs=0.01)


def random_gaussians(rng, n=4, dim=3):
    mean, log_var, prior_mean = rng.normal(size=(3, n, dim)).astype("float32")
    return mean, log_var, prior_mean, rng.gamma(2.0, size=(n, dim)).astype("float32")


def test_kl_is_the_monte_carlo_mean_of_the_log_ratio(rng):
    mean, log_var, prior_mean, precision = random_gaussians(rng)
    z = mean + np.exp(log_var / 2) * rng.normal(size=(200_000, *mean.shape))
    ratio = stats.norm.logpdf(z, mean, np.exp(log_var / 2))
    ratio -= stats.norm.logpdf(z, prior_mean, precision**-0.5)
    ratio = ratio.sum(axis=-1)
    value = value_of(densities.gaussian_kl, mean, log_var, prior_mean, precision)
    error = ratio.std(axis=0) / np.sqrt(len(z))
    assert np.all(np.abs(value - ratio.mean(axis=0)) < 4 * error)


def test_kl_is_zero_only_where_the_two_are_equal(rng):
    mean, log_var, _, _ = random_gaussians(rng)
    same = value_of(densities.gaussian_kl, mean, log_var, mean, np.exp(-log_var))
    np.testing.assert_allclose(same, 0.0, atol=1e-6)
    for m, p in ((mean + 0.1, np.exp(-log_var)), (mean, 1.1 * np.exp(-log_var))):
        assert np.all(value_of(densities.gaussian_kl, mean, log_var, m, p) > 1e-4)


def test_kl_to_the_standard_normal_is_kingma_and_wellings(rng):
    mean, log_var, _, _ = random_gaussians(rng)
    expected = -0.5 * (1 + log_var - mean**2 - np.exp(log_var)).sum(axis=1)
    value = value_of(densities.gaussian_kl, mean, log_var)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_kl_pulls_the_mean_to_the_prior_mean_with_the_priors_precision(rng):
    """d KL / d mean = precision (mean - prior_mean), by central differences."""
    mean, log_var, prior_mean, precision = (a[:1] for a in random_gaussians(rng))
    step = np.zeros_like(mean)
    step[0, 1] = 1e-2
    up, down = (
        value_of(densities.gaussian_kl, mean + s, log_var, prior_mean, precision)[0]
        for s in (step, -step)
    )
    expected = precision[0, 1] * (mean[0, 1] - prior_mean[0, 1])
    assert (up - down) / 2e-2 == pytest.approx(expected, rel=1e-2, abs=1e-3)


def test_sums_run_over_event_axes_only(rng):
    x = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    for batch_axes in (1, 2):
        value = densities.sum_event(ops.convert_to_tensor(x), batch_axes)
        expected = x.sum(axis=tuple(range(batch_axes, 4)))
        np.testing.assert_allclose(numpy_of(value), expected, rtol=1e-4, atol=1e-5)

"""Likelihoods of counts and of real x: against SciPy, Monte Carlo, and in a model."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import integrate, special, stats

import models
from models.blocks.count_likelihoods import (
    NegativeBinomial,
    Poisson,
    ZeroInflatedNegativeBinomial,
)
from models.blocks.gamma_densities import (
    negative_binomial_log_prob,
    poisson_log_prob,
    stirling_error,
    student_t_log_prob,
)
from models.blocks.real_likelihoods import ContinuousBernoulli, StudentT


def numpy_of(tensor):
    return ops.convert_to_numpy(tensor)


def value_of(function, *arrays):
    """The function of these numbers in float32, as an array."""
    arrays = np.broadcast_arrays(*arrays)
    return numpy_of(function(*(ops.convert_to_tensor(np.float32(a)) for a in arrays)))


# --- The laws, in float64 -------------------------------------------------------------


def poisson(x, log_mean):
    return stats.poisson.logpmf(x, np.exp(log_mean))


def negative_binomial(x, log_mean, log_r=0.0):
    r = np.exp(log_r)
    return stats.nbinom.logpmf(x, r, r / (r + np.exp(log_mean)))


def zero_inflated(x, parameters, log_r=0.0):
    log_mean, logit = parameters[..., 0], parameters[..., 1]
    log_p = negative_binomial(x, log_mean, log_r) + special.log_expit(-logit)
    at_zero = np.logaddexp(special.log_expit(logit), log_p)
    return np.where(x == 0, at_zero, log_p)


def student_t(x, mean, log_scale=0.0, log_degrees=2.302585093):
    return stats.t.logpdf(x, np.exp(log_degrees), mean, np.exp(log_scale))


def continuous_bernoulli(x, logit):
    """By numerical integration of exp(logit x)."""
    total = [integrate.quad(lambda t, b=b: np.exp(b * t), 0, 1)[0] for b in logit.flat]
    return x * logit - np.log(total).reshape(logit.shape)


COUNTS = np.float32([[0, 1, 7], [2, 0, 30], [0, 0, 1], [90, 12, 4]])
REALS = np.float32([[0.0, 1.5, -7.0], [2.0, 0.1, 30.0]])
UNIT = np.float32([[0.0, 1.0, 0.3, 0.5], [0.2, 0.9, 0.6, 0.0]])
LOGITS = np.float32([[-9.0, 3.0, 1e-4, 0.0], [0.45, 0.55, -0.3, -25.0]])
# name -> (layer, x, parameters or their shape, law)
LAWS = {
    "poisson": (Poisson, COUNTS, (4, 3), poisson),
    "negative_binomial": (NegativeBinomial, COUNTS, (4, 3), negative_binomial),
    "given dispersion": (
        lambda: NegativeBinomial(3.5),
        COUNTS,
        (4, 3),
        lambda x, m: negative_binomial(x, m, np.log(3.5)),
    ),
    "zero_inflated_negative_binomial": (
        ZeroInflatedNegativeBinomial,
        COUNTS,
        (4, 3, 2),
        zero_inflated,
    ),
    "student_t": (StudentT, REALS, (2, 3), student_t),
    "given degrees": (
        lambda: StudentT(0.3, 2.5),
        REALS,
        (2, 3),
        lambda x, m: student_t(x, m, np.log(0.3), np.log(2.5)),
    ),
    "continuous_bernoulli": (ContinuousBernoulli, UNIT, LOGITS, continuous_bernoulli),
}


@pytest.fixture(params=list(LAWS))
def law(request):
    """(layer, x, parameters, log-density of SciPy for each entry)."""
    make, x, parameters, log_density = LAWS[request.param]
    if isinstance(parameters, tuple):
        rng = np.random.default_rng(0)
        parameters = rng.normal(0.5, 1.0, parameters).astype("float32")
    return make(), x, parameters, log_density


# --- Densities and gradients ----------------------------------------------------------


class Densities(keras.layers.Layer):
    """log p(x|z) of one likelihood at parameters that are weights of this layer."""

    def __init__(self, likelihood, parameters):
        super().__init__()
        self.likelihood, self.values = likelihood, parameters

    def build(self, x_shape):
        start = lambda shape, dtype: ops.convert_to_tensor(self.values, dtype)  # noqa: E731
        self.parameters = self.add_weight(shape=self.values.shape, initializer=start)
        self.likelihood.build(x_shape)

    def call(self, x):
        return self.likelihood.log_prob(x, 1.0 * self.parameters)[:, None]

    def compute_output_shape(self, x_shape):
        return (x_shape[0], 1)


def gradients(likelihood, x, parameters):
    """Of the sum of log p(x|z) in each weight: what one step of rate 1 adds to it."""
    layer = Densities(likelihood, parameters)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda _, y: -ops.sum(y))
    before = model.get_weights()
    model.train_on_batch(x, np.zeros((len(x), 1)))
    steps = zip(before, model.get_weights(), strict=True)
    return before, [new.astype("float64") - old for old, new in steps]


def differences(function, arrays, i, step=1e-5):
    """Central differences of the sum of a function, in the entries of one argument."""
    found = np.zeros(arrays[i].shape)
    for place in np.ndindex(found.shape):
        values = []
        for sign in (1, -1):
            moved = [np.array(a, "float64") for a in arrays]
            moved[i][place] += sign * step
            values.append(function(*moved).sum())
        found[place] = (values[0] - values[1]) / (2 * step)
    return found


def test_log_densities_are_scipys(law):
    likelihood, x, parameters, log_density = law
    found = numpy_of(likelihood(x, parameters)["log_px"])
    expected = log_density(x.astype("float64"), parameters.astype("float64"))
    assert found.shape == (1, len(x))
    np.testing.assert_allclose(found[0], expected.sum(axis=1), rtol=1e-5, atol=1e-5)


def test_gradients_are_scipys(law):
    """Of the parameters that the decoder returns, and of what the likelihood learns."""
    likelihood, x, parameters, log_density = law
    weights, found = gradients(likelihood, x, parameters)
    function = lambda *w: log_density(x.astype("float64"), *w)  # noqa: E731
    for i, gradient in enumerate(found):
        expected = differences(function, weights, i)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_large_counts_keep_their_digits(size):
    """A difference of log Gamma functions in float32 would be wrong by up to 1."""
    x = np.round(size + np.sqrt(size) * np.linspace(-4, 4, 9))
    log_mean = float(np.float32(np.log(size)))
    found = value_of(poisson_log_prob, x, log_mean)
    np.testing.assert_allclose(found, poisson(x, log_mean), rtol=2e-4)
    for log_r in np.float32([-3.0, 0.0, 6.0]):
        found = value_of(negative_binomial_log_prob, x, log_mean, log_r)
        np.testing.assert_allclose(
            found, negative_binomial(x, log_mean, np.float64(log_r)), rtol=2e-4
        )


def test_the_limits_are_poisson_and_normal(rng):
    x, log_mean = rng.poisson(5.0, 40), rng.normal(1.0, 1.0, 40).astype("float32")
    found = value_of(negative_binomial_log_prob, x, log_mean, 30.0)
    np.testing.assert_allclose(found, poisson(x, log_mean), rtol=1e-5, atol=1e-5)
    found = value_of(student_t_log_prob, x, log_mean, 0.5, 30.0)
    expected = stats.norm.logpdf(x, log_mean, np.exp(0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_error_of_stirlings_formula_is_that_of_scipys_gamma_function():
    a = np.float32(np.geomspace(1e-3, 1e3, 50)).astype("float64")
    stirling = (a - 0.5) * np.log(a) - a + 0.5 * np.log(2 * np.pi)
    expected = special.gammaln(a) - stirling
    np.testing.assert_allclose(
        value_of(stirling_error, a), expected, rtol=1e-6, atol=1e-6
    )


def test_probabilities_of_counts_sum_to_one():
    x = np.arange(2000, dtype="float32")[:, None]
    for likelihood in (Poisson(), NegativeBinomial(2.0)):
        log_p = likelihood(x, np.full_like(x, 3.0))["log_px"]
        assert np.exp(numpy_of(log_p)).sum() == pytest.approx(1, abs=1e-5)
    inflated = ZeroInflatedNegativeBinomial()
    log_p = inflated(x, np.tile(np.float32([[[3.0, -0.4]]]), (len(x), 1, 1)))["log_px"]
    assert np.exp(numpy_of(log_p)).sum() == pytest.approx(1, abs=1e-5)


def test_densities_are_torchs_where_it_is_installed(rng):
    torch = pytest.importorskip("torch")
    laws = torch.distributions
    x, logit = rng.random((6, 5)).astype("float32"), rng.normal(0, 4, (6, 5))
    logit = logit.astype("float32")
    expected = laws.ContinuousBernoulli(logits=torch.tensor(logit, dtype=torch.float64))
    found = numpy_of(ContinuousBernoulli()(x, logit)["log_px"])[0]
    total = expected.log_prob(torch.tensor(x)).sum(dim=1).numpy()
    np.testing.assert_allclose(found, total, rtol=1e-5, atol=1e-5)
    mean = numpy_of(ContinuousBernoulli().mean(ops.convert_to_tensor(logit)))
    np.testing.assert_allclose(mean, expected.mean.numpy(), rtol=1e-5)


@pytest.mark.parametrize("logit", [0.0, 1e-8, -1e-3, 0.499, 0.501, 30.0, -80.0, 500.0])
def test_the_mean_of_a_continuous_bernoulli_is_its_integral(logit):
    weight = lambda x: np.exp(logit * (x - (logit > 0)))  # noqa: E731
    edges = np.concatenate([[0], np.geomspace(1e-4, 0.5, 9)])
    edges = np.unique([*edges, *(1 - edges)])
    parts = zip(edges[:-1], edges[1:], strict=True)
    area, moment = np.sum(
        [
            (
                integrate.quad(weight, a, b)[0],
                integrate.quad(lambda x: x * weight(x), a, b)[0],
            )
            for a, b in parts
        ],
        axis=0,
    )
    found = value_of(ContinuousBernoulli().mean, [logit])
    assert found[0] == pytest.approx(moment / area, abs=1e-6)


# --- Samples --------------------------------------------------------------------------

N = 40_000
DRAWN = {
    "poisson": (Poisson, [1.2]),
    "negative_binomial": (lambda: NegativeBinomial(1.5), [1.2]),
    "zero inflated": (lambda: ZeroInflatedNegativeBinomial(4.0), [[1.2, 0.5]]),
    "student_t": (lambda: StudentT(0.5, 6.0), [2.0]),
    "continuous_bernoulli, left": (ContinuousBernoulli, [-3.0]),
    "continuous_bernoulli, even": (ContinuousBernoulli, [0.0]),
    "continuous_bernoulli, right": (ContinuousBernoulli, [6.0]),
}


@pytest.mark.parametrize("name", list(DRAWN))
def test_samples_have_the_mean_and_the_mean_log_density_of_the_law(name):
    """The mean of log p(x) over samples is minus the entropy, by summation of p."""
    make, parameter = DRAWN[name]
    likelihood = make()
    parameters = np.tile(np.float32([parameter]), (N, *[1] * np.ndim(parameter)))
    grid, width = np.arange(400.0), 1.0
    if "student" in name:
        grid = np.linspace(-98, 102, 200_001)
        width = grid[1] - grid[0]
    if "continuous" in name:
        grid = (np.arange(10_000) + 0.5) / 10_000
        width = 1e-4
    repeated = np.repeat(parameters[:1], len(grid), axis=0)
    log_p = numpy_of(likelihood(np.float32(grid)[:, None], repeated)["log_px"])[0]
    p = np.exp(log_p) * width
    x = likelihood.sample(ops.convert_to_tensor(parameters), seed=3)
    mean = numpy_of(likelihood.mean(ops.convert_to_tensor(parameters)))[0, 0]
    assert x.shape == (N, 1)
    assert abs(x.mean() - mean) < 4 * x.std() / np.sqrt(N)
    assert p @ grid == pytest.approx(mean, rel=1e-4)
    drawn = numpy_of(likelihood(np.float32(x), parameters)["log_px"])[0]
    assert abs(drawn.mean() - p @ log_p) < 1e-6 + 4 * drawn.std() / np.sqrt(N)
    again = likelihood.sample(ops.convert_to_tensor(parameters), seed=3)
    np.testing.assert_array_equal(x, again)


# --- In a model -----------------------------------------------------------------------

CLASSES = {
    "poisson": Poisson,
    "negative_binomial": NegativeBinomial,
    "zero_inflated": ZeroInflatedNegativeBinomial,
    "student_t": StudentT,
    "continuous_bernoulli": ContinuousBernoulli,
}


def some_data(likelihood, n=40):
    rng = np.random.default_rng(1)
    if likelihood.in_unit_interval:
        return rng.random((n, 3, 2)).astype("float32")
    return rng.poisson(4.0, (n, 3, 2)).astype("float32")


@pytest.mark.parametrize("name", list(CLASSES))
def test_it_trains_and_a_saved_model_gives_equal_numbers(name, tmp_path):
    likelihood = CLASSES[name]()
    x = some_data(likelihood)
    model = models.beta.build((3, 2), 2, (8,), likelihood=likelihood, seed=0)
    model.compile(keras.optimizers.Adam(1e-3))
    before = model.get_weights()
    history = model.fit(x, epochs=2, batch_size=20, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    moved = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert sum(moved) >= len(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    other = models.load(tmp_path / "model.keras")
    for a, b in zip(
        *(m.predict({"x": x}, verbose=0).values() for m in (model, other)), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert other.reconstruct(x).shape == x.shape
    assert other.likelihood.get_config() == model.likelihood.get_config()


def test_the_learned_dispersion_is_that_of_each_column():
    """Where nothing else varies: variances m + m^2 / r with r = 0.5 and 20."""
    rng = np.random.default_rng(0)
    r = np.array([0.5, 20.0])
    x = rng.poisson(rng.gamma(r, 6.0 / r, (3000, 2))).astype("float32")
    model = models.beta.build(
        (2,), 1, (), kl_weight=50.0, likelihood=NegativeBinomial(), seed=0
    )
    model.compile(keras.optimizers.Adam(0.03))
    model.fit(x, epochs=40, batch_size=500, verbose=0)
    learned = np.exp(numpy_of(model.likelihood.log_dispersion))
    assert learned[0] == pytest.approx(0.5, rel=0.15)
    assert 4 < learned[1] < 60


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")])
def test_arguments_that_are_not_positive_are_refused(wrong):
    with pytest.raises(ValueError, match="dispersion must be a number > 0"):
        NegativeBinomial(wrong)
    with pytest.raises(ValueError, match="scale must be a number > 0"):
        StudentT(wrong)
    with pytest.raises(ValueError, match="degrees_of_freedom must be a number > 0"):
        StudentT(1.0, wrong)


@pytest.mark.parametrize("likelihood", [Poisson(), ZeroInflatedNegativeBinomial()])
@pytest.mark.parametrize("wrong", [-1.0, 0.5])
def test_values_that_are_no_counts_are_refused(likelihood, wrong):
    x = some_data(likelihood)
    x[3, 1, 1] = wrong
    likelihood = type(likelihood)()
    model = models.beta.build((3, 2), 2, (8,), likelihood=likelihood, seed=0)
    model.compile("sgd")
    name = type(likelihood).__name__
    with pytest.raises(ValueError, match=f"integers >= 0, .* {name}.*ed: {wrong:g}"):
        model.fit(x, verbose=0)


def test_a_continuous_bernoulli_refuses_values_outside_the_unit_interval():
    model = models.beta.build((3,), 2, (), likelihood=ContinuousBernoulli(), seed=0)
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"in \[0, 1\].*ContinuousBernoulli.*0 to 2"):
        model.fit(np.float32([[0, 1, 2]]), verbose=0)


def test_large_counts_and_a_label_train_without_overflow():
    """The encoder takes log(1 + x); exp of 5000 times a weight would be infinite."""
    rng = np.random.default_rng(0)
    x, y = rng.negative_binomial(1, 2e-4, (60, 4)), np.arange(60) % 2
    build = models.conditional.build
    model = build((4,), 2, (8,), n_labels=2, likelihood=NegativeBinomial(), seed=0)
    model.compile(keras.optimizers.Adam(1e-3))
    history = model.fit({"x": x, "label": y}, epochs=3, verbose=0).history["loss"]
    assert x.max() > 5000 and np.isfinite(history).all()
    z_mean, z_log_var = model.encode(x, y)
    assert max(np.abs(z_mean).max(), np.abs(z_log_var).max()) < 30

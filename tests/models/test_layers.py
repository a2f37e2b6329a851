"""Each layer: the shared round trip, and a number from theory."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import models
from models.blocks import layers
from models.blocks.layers import Binarize
from models.blocks.schedules import Constant, LinearWarmUp

N, DIM = 5, 3
LAYERS = [
    (layers.Sampling(n_samples=2, seed=3), [(DIM,), (DIM,)]),
    (layers.GaussianKL(), [(DIM,)] * 4),
    (layers.GaussianLogLikelihood(sigma=0.5), [(4, 2), (4, 2)]),
    (layers.GaussianLogLikelihood(sigma=None), [(6,), (6,)]),
    (layers.BernoulliLogLikelihood(), [(6,), (6,)]),
    (layers.ELBO(0.5), [(), ()]),
    (layers.ELBO(4.0, LinearWarmUp(5, 25.0)), [(), ()]),
]


def numpy_of(tensor):
    return ops.convert_to_numpy(tensor)


def positive_inputs(shapes):
    rng = np.random.default_rng(0)
    return [rng.uniform(0.1, 0.9, (N, *shape)).astype("float32") for shape in shapes]


@pytest.mark.parametrize("layer, shapes", LAYERS, ids=lambda v: getattr(v, "name", ""))
def test_round_trip(layer, shapes):
    """Symbolic, eager and rebuilt from its configuration: the same values."""
    arrays = positive_inputs(shapes)
    symbolic = layer(*(keras.Input(shape) for shape in shapes))
    value = numpy_of(layer(*arrays))
    assert value.shape == (N, *symbolic.shape[1:])
    assert value.dtype == np.float32
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_allclose(numpy_of(again(*arrays)), value, rtol=1e-6)
    assert again.get_config() == layer.get_config()
    assert not layer.losses and not layer.metrics


@pytest.mark.parametrize("layer, shapes", LAYERS, ids=lambda v: getattr(v, "name", ""))
@pytest.mark.parametrize("half", ["mixed_bfloat16", "mixed_float16"])
def test_arithmetic_stays_in_float32_under_mixed_precision(layer, shapes, half):
    arrays = positive_inputs(shapes)
    expected = numpy_of(layer(*arrays))
    keras.mixed_precision.set_dtype_policy(half)
    try:
        again = type(layer)(
            **{k: v for k, v in layer.get_config().items() if k != "dtype"}
        )
        value = again(*arrays)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    np.testing.assert_allclose(numpy_of(value), expected, rtol=1e-6)


def test_sampling_draws_from_q():
    mean = np.tile([[1.0, -2.0]], (20_000, 1)).astype("float32")
    log_var = np.tile([[0.0, -3.0]], (20_000, 1)).astype("float32")
    z = numpy_of(layers.Sampling(seed=0)(mean, log_var, training=True))
    for d, (m, s) in enumerate(((1.0, 1.0), (-2.0, np.exp(-1.5)))):
        # family-wise error of the two tests: 0.2 %
        assert stats.kstest(z[:, d], stats.norm(m, s).cdf).pvalue > 1e-3


def test_sampling_in_training_differs_by_call_and_repeats_by_seed():
    zeros = np.zeros((4, 2), "float32")
    one, two = layers.Sampling(seed=7), layers.Sampling(seed=7)
    first = numpy_of(one(zeros, zeros, training=True))
    assert not np.allclose(first, numpy_of(one(zeros, zeros, training=True)))
    np.testing.assert_array_equal(first, numpy_of(two(zeros, zeros, training=True)))


def test_sampling_outside_training_repeats_and_leaves_the_stream_alone():
    layer, zeros = layers.Sampling(seed=7), np.zeros((4, 2), "float32")
    state = numpy_of(layer.seed_generator.state)
    draws = [numpy_of(layer(zeros, zeros)) for _ in range(2)]
    np.testing.assert_array_equal(*draws)
    assert np.abs(draws[0]).max() > 0.1  # a draw, not the mean
    np.testing.assert_array_equal(numpy_of(layer.seed_generator.state), state)


def test_sampling_stacks_its_draws_sample_by_sample():
    mean = np.arange(3, dtype="float32")[:, None] * 100
    layer = layers.Sampling(n_samples=4, seed=0)
    z = numpy_of(layer(mean, np.zeros_like(mean), training=True))
    assert z.shape == (12, 1)
    np.testing.assert_allclose(z.reshape(4, 3), np.tile(mean[:, 0], (4, 1)), atol=6)
    assert len(np.unique(z)) == 12


@pytest.mark.parametrize(
    "layer", [layers.BernoulliLogLikelihood(), layers.GaussianLogLikelihood(0.7)]
)
def test_likelihood_is_the_mean_over_draws(layer):
    rng = np.random.default_rng(0)
    x = rng.random((N, 4, 2)).astype("float32")
    draws = rng.normal(size=(3, N, 4, 2)).astype("float32")
    value = numpy_of(layer(x, draws.reshape(3 * N, 4, 2)))
    expected = np.mean([numpy_of(layer(x, draw)) for draw in draws], axis=0)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_elbo_is_the_log_likelihood_less_the_weighted_kl():
    value = layers.ELBO(0.25)(np.array([-3.0, 1.0]), np.array([2.0, 8.0]))
    np.testing.assert_allclose(numpy_of(value), [-3.5, -1.0])
    assert layers.ELBO(0.25).schedules["kl_weight"](9) == Constant(0.25)(9)


def test_elbo_with_a_capacity_holds_the_kl_near_it():
    layer = layers.ELBO(2.0, LinearWarmUp(2, 6.0))
    terms = np.array([-3.0, 1.0]), np.array([2.0, 8.0])
    np.testing.assert_allclose(numpy_of(layer(*terms)), [-7.0, -15.0])
    assert layer.follow_schedules(1) == {"kl_weight": 2.0, "capacity": 3.0}
    np.testing.assert_allclose(numpy_of(layer(*terms)), [-5.0, -9.0])


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, None])
def test_sampling_refuses_a_number_of_draws_that_is_none(n_samples):
    with pytest.raises(ValueError, match="n_samples must be an integer >= 1"):
        layers.Sampling(n_samples)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_gaussian_likelihood_refuses_a_scale_that_is_none(sigma):
    with pytest.raises(ValueError, match="sigma must be a number > 0"):
        layers.GaussianLogLikelihood(sigma)


def test_binarize_draws_ones_as_often_as_x_says():
    x = np.tile(np.linspace(0, 1, 5, dtype="float32"), (20_000, 1))
    layer = Binarize(seed=0)
    drawn, again = (np.array(layer(x, training=True)) for _ in range(2))
    assert set(np.unique(drawn)) == {0.0, 1.0} and np.any(drawn != again)
    error = np.abs(drawn.mean(axis=0) - x[0]) * np.sqrt(20_000)
    assert np.all(error <= 4 * np.sqrt(x[0] * (1 - x[0])))
    np.testing.assert_array_equal(np.array(layer(x)), np.array(layer(x)))


def test_a_model_that_binarizes_learns_what_was_drawn(tmp_path):
    """Its log-likelihood is that of 0 and 1, for the encoder and p(x|z) alike."""
    x = np.full((50, 6), 0.5, "float32")
    for build in (models.bernoulli.build, models.iwae.build):
        model = build((6,), 2, (8,), binarize=True, n_samples=3, seed=0)
        drawn = np.array(model.get_layer("binarize")(x))
        out = model.predict({"x": x}, batch_size=50, verbose=0)
        q = model.get_layer("encoder").predict(drawn, verbose=0)
        np.testing.assert_allclose(out["z_mean"], q["z_mean"], atol=1e-6)
        model.compile("sgd")
        model.fit(x, epochs=2, verbose=0)
        model.save(tmp_path / "model.keras")
        kept = models.load(tmp_path / "model.keras")
        more = [m.fit(x, epochs=1, verbose=0).history["loss"] for m in (model, kept)]
        assert more[0] == more[1]
    plain = models.bernoulli.build((6,), 2, (8,), binarize=True, seed=0)
    out = plain.predict({"x": x}, batch_size=50, verbose=0)
    drawn = np.array(plain.get_layer("binarize")(x))
    expected = stats.bernoulli.logpmf(drawn, out["x_mean"]).sum(axis=1)
    np.testing.assert_allclose(out["log_likelihood"], expected, rtol=1e-4)

"""Each component: a round trip through its configuration, and a number from theory."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

import models
from models.blocks.component import Binarize, Context, RepeatForSamples, seed_stream
from models.blocks.likelihoods import Bernoulli, Gaussian
from models.blocks.objectives import ELBO, ImportanceWeighted
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import LabelGaussian, MixturePrior, StandardNormal
from models.blocks.schedules import Constant, LinearWarmUp

B, D, S = 5, 3, 2


def numpy_of(tensor):
    return ops.convert_to_numpy(tensor)


def random(*shape, low=0.1, high=0.9, seed=0):
    values = np.random.default_rng(seed).uniform(low, high, shape)
    return values.astype("float32")


def configured(component, latent_dim=D, input_shape=(6,)):
    seeds = seed_stream(0)
    glorot = keras.initializers.GlorotUniform
    component.configure(
        Context(input_shape, latent_dim, seeds, lambda: glorot(next(seeds)))
    )
    return component


def gaussian(mean, log_var, n_samples=1, seed=0):
    """What a DiagonalGaussian returns for these parameters, in training."""
    q = {"z_mean": mean, "z_log_var": log_var}
    return DiagonalGaussian(n_samples, mean.shape[-1], seed)(q, training=True)


Q = {"z_mean": random(B, D), "z_log_var": random(B, D, seed=1)}
SAMPLES = {"z": random(S, B, D, seed=2), "log_q": random(S, B, seed=3)}
MESSAGE = {"prior_mean": random(B, D, seed=4), "prior_precision": random(B, D, seed=5)}
TERMS = {**Q, **SAMPLES, "log_pz": random(S, B), "log_px": random(S, B, seed=7)}
TERMS |= {"kl": random(B, seed=8)}
COMPONENTS = {
    "posterior": (lambda: DiagonalGaussian(S, D, 3), [random(B, 4)]),
    "standard": (StandardNormal, [{**Q, **SAMPLES}, MESSAGE]),
    "label": (
        lambda: LabelGaussian(3, latent_dim=D),
        [{**Q, **SAMPLES}, {"label": np.float32([0, 1, 2, 1, 0]), **MESSAGE}],
    ),
    "gaussian": (lambda: Gaussian(0.5), [random(B, 4, 2), random(S * B, 4, 2)]),
    "learned scale": (lambda: Gaussian(None), [random(B, 6), random(S * B, 6)]),
    "bernoulli": (Bernoulli, [random(B, 6), random(S * B, 6)]),
    "elbo": (lambda: ELBO(0.5), [TERMS]),
    "capacity": (lambda: ELBO(4.0, LinearWarmUp(5, 25.0)), [TERMS]),
    "iwae": (lambda: ImportanceWeighted(0.5), [TERMS]),
}


@pytest.fixture(params=list(COMPONENTS))
def component(request):
    make, inputs = COMPONENTS[request.param]
    return make(), inputs


def symbols(tree):
    """Symbolic tensors of the shapes of these arrays."""
    return keras.tree.map_structure(lambda a: keras.KerasTensor(a.shape), tree)


def test_the_symbolic_shapes_are_those_of_the_values(component):
    layer, inputs = component
    symbolic = keras.tree.flatten(layer(*symbols(inputs)))
    values = keras.tree.flatten(layer(*inputs))
    for spec, value in zip(symbolic, values, strict=True):
        known = [(n, m) for n, m in zip(spec.shape, value.shape, strict=True) if n]
        assert all(n == m for n, m in known)


def test_a_component_of_the_same_configuration_computes_the_same(component):
    layer, inputs = component
    values = layer(*inputs)
    again = type(layer).from_config(layer.get_config())
    again(*inputs)  # builds it
    again.set_weights(layer.get_weights())
    repeated = again(*inputs)
    for value, other in zip(*map(keras.tree.flatten, (values, repeated)), strict=True):
        np.testing.assert_allclose(numpy_of(other), numpy_of(value), rtol=1e-6)
    assert again.get_config() == layer.get_config()
    assert not layer.losses and not layer.metrics


@pytest.mark.parametrize("half", ["mixed_bfloat16", "mixed_float16"])
def test_arithmetic_stays_in_float32_under_mixed_precision(component, half):
    layer, inputs = component
    expected = keras.tree.flatten(layer(*inputs))
    config = {k: v for k, v in layer.get_config().items() if k != "dtype"}
    keras.mixed_precision.set_dtype_policy(half)
    try:
        again = type(layer).from_config(config)
        again(*inputs)
        again.set_weights(layer.get_weights())
        values = keras.tree.flatten(again(*inputs))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    for value, other in zip(values, expected, strict=True):
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        np.testing.assert_allclose(numpy_of(value), numpy_of(other), rtol=1e-6)


# --- Posteriors -----------------------------------------------------------------------


def test_a_diagonal_gaussian_draws_from_q_and_knows_its_density():
    mean = np.tile([[1.0, -2.0]], (20_000, 1)).astype("float32")
    log_var = np.tile([[0.0, -3.0]], (20_000, 1)).astype("float32")
    q = gaussian(mean, log_var)
    z = numpy_of(q["z"])[0]
    for d, (m, s) in enumerate(((1.0, 1.0), (-2.0, np.exp(-1.5)))):
        # family-wise error of the two tests: 0.2 %
        assert stats.kstest(z[:, d], stats.norm(m, s).cdf).pvalue > 1e-3
    expected = stats.norm.logpdf(z, mean, np.exp(log_var / 2)).sum(axis=-1)
    np.testing.assert_allclose(numpy_of(q["log_q"])[0], expected, rtol=1e-4)


def test_noise_in_training_differs_by_call_and_repeats_by_seed():
    q = {"z_mean": np.zeros((4, 2), "float32"), "z_log_var": np.zeros((4, 2))}
    one, two = DiagonalGaussian(1, 2, 7), DiagonalGaussian(1, 2, 7)
    first = numpy_of(one(q, training=True)["z"])
    assert not np.allclose(first, numpy_of(one(q, training=True)["z"]))
    np.testing.assert_array_equal(first, numpy_of(two(q, training=True)["z"]))


def test_noise_outside_training_repeats_and_leaves_the_stream_alone():
    q = {"z_mean": np.zeros((4, 2), "float32"), "z_log_var": np.zeros((4, 2))}
    layer = DiagonalGaussian(3, 2, 7)
    state = numpy_of(layer.seed_generator.state)
    draws = [numpy_of(layer(q)["z"]) for _ in range(2)]
    np.testing.assert_array_equal(*draws)
    assert draws[0].shape == (1, 4, 2)
    assert numpy_of(layer(q, all_samples=True)["z"]).shape == (3, 4, 2)
    assert np.abs(draws[0]).max() > 0.1  # a draw, not the mean
    np.testing.assert_array_equal(numpy_of(layer.seed_generator.state), state)


def test_samples_have_an_axis_of_their_own():
    mean = np.arange(3, dtype="float32")[:, None] * 100
    z = numpy_of(gaussian(mean, np.zeros_like(mean), n_samples=4)["z"])
    assert z.shape == (4, 3, 1)
    np.testing.assert_allclose(z[..., 0], np.tile(mean[:, 0], (4, 1)), atol=6)
    assert len(np.unique(z)) == 12


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, None])
def test_a_posterior_refuses_a_number_of_samples_below_one(n_samples):
    with pytest.raises(ValueError, match="n_samples must be an integer >= 1"):
        DiagonalGaussian(n_samples)


# --- Priors ---------------------------------------------------------------------------


class TwoGaussians(MixturePrior):
    """A mixture of known parameters."""

    def components(self):
        log_w = np.log(np.float32([0.3, 0.7]))
        means = np.float32([[-1.0, 2.0], [1.5, 0.0]])
        return tuple(
            ops.convert_to_tensor(a)
            for a in (log_w, means, np.float32([[2.0, 1.0], [0.5, 4.0]]))
        )


def mixture_pdf(z):
    law = stats.multivariate_normal
    return 0.3 * law([-1, 2], np.diag([0.5, 1])).pdf(z) + 0.7 * law(
        [1.5, 0], np.diag([2, 0.25])
    ).pdf(z)


def grid(side=401, most=9.0):
    """Points of the plane, (n, 2), and the area of each."""
    line = np.linspace(-most, most, side)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return points.astype("float32"), (line[1] - line[0]) ** 2


def test_the_density_of_a_mixture_is_scipys():
    z, _ = grid(21, 3.0)
    value = numpy_of(TwoGaussians(latent_dim=2).log_prob(ops.convert_to_tensor(z)))
    np.testing.assert_allclose(value, np.log(mixture_pdf(z)), rtol=1e-4)


@pytest.mark.parametrize("precision", [[1.0, 1.0], [3.0, 1.5]])
def test_a_message_multiplies_a_mixture_and_n_0_i_leaves_it(precision):
    """Against p(z) N(z; m, 1 / L) / N(z; 0, I), normalised on a grid."""
    z, area = grid()
    for mean in ([0.0, 0.0], [0.5, -1.0]):
        law = stats.multivariate_normal
        expected = mixture_pdf(z) * law(mean, np.diag(1 / np.array(precision))).pdf(z)
        expected /= law([0, 0], np.eye(2)).pdf(z)
        expected /= expected.sum() * area
        message = [ops.convert_to_tensor(np.float32([a])) for a in (mean, precision)]
        message = dict(zip(("prior_mean", "prior_precision"), message, strict=True))
        points = ops.convert_to_tensor(z[:, None])
        value = numpy_of(TwoGaussians(latent_dim=2).log_prob(points, **message))[:, 0]
        some = expected > 1e-6
        np.testing.assert_allclose(value[some], np.log(expected[some]), atol=2e-3)


def test_samples_of_a_mixture_have_its_moments():
    z = numpy_of(TwoGaussians(latent_dim=2).sample(40_000, seed=1))
    points, area = grid()
    p = mixture_pdf(points) * area
    mean = p @ points
    covariance = (points - mean).T @ ((points - mean) * p[:, None])
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(z.T), covariance, atol=0.08)


@pytest.mark.parametrize("n_labels", [None, 3])
def test_a_message_to_the_prior_of_a_label_multiplies_it(n_labels):
    """Gaussians: precisions p + L - 1 and means (p m + L mu) / (p + L - 1)."""
    prior = LabelGaussian(3, None if n_labels else 3, latent_dim=D)
    labels = np.float32([0, 2]) if n_labels else np.float32([[1, 0, 0], [0, 0, 1]])
    q = {name: value[:2] for name, value in Q.items()}
    q |= {"z": SAMPLES["z"][:, :2], "log_q": SAMPLES["log_q"][:, :2]}
    prior(q, {"label": labels})
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=w.shape) for w in prior.get_weights()]
    prior.set_weights(weights)
    codes = np.eye(3)[[0, 2]]
    mean = codes @ weights[0] + weights[1]
    precision = np.exp(codes @ weights[2] + weights[3])
    label = {"label": ops.convert_to_tensor(labels)}
    found = [numpy_of(m) for m in prior.moments(**label)]
    np.testing.assert_allclose(found[0], mean, rtol=1e-4)
    np.testing.assert_allclose(found[1], precision, rtol=1e-4)
    m, extra = np.float32([[1.0] * D] * 2), np.float32([[2.5] * D] * 2)
    message = dict(prior_mean=m, prior_precision=extra)
    message = {name: ops.convert_to_tensor(value) for name, value in message.items()}
    found = [numpy_of(part) for part in prior.moments(**label, **message)]
    total = precision + extra - 1
    np.testing.assert_allclose(found[1], total, rtol=1e-4)
    np.testing.assert_allclose(found[0], (precision * mean + extra) / total, rtol=1e-4)


def test_the_kl_to_a_gaussian_is_the_closed_form_and_else_the_mean_over_samples():
    q = {**Q, **SAMPLES}
    closed = numpy_of(StandardNormal(D)(q, {})["kl"])
    expected = 0.5 * np.sum(
        np.exp(Q["z_log_var"]) + Q["z_mean"] ** 2 - 1 - Q["z_log_var"], axis=-1
    )
    np.testing.assert_allclose(closed, expected, rtol=1e-5)
    other = {"base_mean": Q["z_mean"], **SAMPLES}
    p = StandardNormal(D)(other, {})
    difference = SAMPLES["log_q"] - numpy_of(p["log_pz"])
    np.testing.assert_allclose(numpy_of(p["kl"]), difference.mean(axis=0), rtol=1e-5)


# --- Likelihoods ----------------------------------------------------------------------


@pytest.mark.parametrize("layer", [Bernoulli(), Gaussian(0.7)])
def test_a_likelihood_gives_the_density_of_every_sample(layer):
    x, parameters = random(B, 4, 2), random(3, B, 4, 2, low=-1, high=1)
    found = layer(x, parameters.reshape(3 * B, 4, 2))
    for i in range(3):
        single = layer(x, parameters[i])
        np.testing.assert_allclose(
            numpy_of(found["log_px"])[i], numpy_of(single["log_px"])[0], rtol=1e-5
        )
    single = layer(x, parameters[0])
    np.testing.assert_allclose(numpy_of(found["x_mean"]), numpy_of(single["x_mean"]))


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_gaussian_refuses_a_scale_that_is_not_positive(sigma):
    with pytest.raises(ValueError, match="sigma must be a number > 0"):
        Gaussian(sigma)


def test_binarize_draws_ones_as_often_as_x_says():
    x = np.tile(np.linspace(0, 1, 5, dtype="float32"), (20_000, 1))
    layer = Binarize(seed=0)
    drawn, again = (numpy_of(layer(x, training=True)) for _ in range(2))
    assert set(np.unique(drawn)) == {0.0, 1.0} and np.any(drawn != again)
    error = np.abs(drawn.mean(axis=0) - x[0]) * np.sqrt(20_000)
    assert np.all(error <= 4 * np.sqrt(x[0] * (1 - x[0])))
    np.testing.assert_array_equal(numpy_of(layer(x)), numpy_of(layer(x)))


def test_a_model_that_binarizes_learns_what_was_drawn(tmp_path):
    """Its log-likelihood is that of 0 and 1, for the encoder and p(x|z) alike."""
    x = np.full((50, 6), 0.5, "float32")
    for build in (models.bernoulli.build, models.iwae.build):
        binarized = {"likelihood": Bernoulli(binarize=True)}
        if build is models.bernoulli.build:
            binarized = {"binarize": True}
        model = build((6,), 2, (8,), n_samples=3, seed=0, **binarized)
        drawn = numpy_of(model.observation(x))
        out = model.predict({"x": x}, batch_size=50, verbose=0)
        z_mean, _ = model.encode(drawn)
        np.testing.assert_allclose(out["z_mean"], z_mean, atol=1e-6)
        model.compile("sgd")
        model.fit(x, epochs=2, verbose=0)
        model.save(tmp_path / "model.keras")
        kept = models.load(tmp_path / "model.keras")
        more = [m.fit(x, epochs=1, verbose=0).history["loss"] for m in (model, kept)]
        assert more[0] == more[1]
    plain = models.bernoulli.build((6,), 2, (8,), binarize=True, seed=0)
    out = plain.predict({"x": x}, batch_size=50, verbose=0)
    drawn = numpy_of(plain.observation(x))
    expected = stats.bernoulli.logpmf(drawn, out["x_mean"]).sum(axis=1)
    np.testing.assert_allclose(out["log_likelihood"], expected, rtol=1e-4)


# --- Objectives -----------------------------------------------------------------------


def terms_of(log_likelihood, kl):
    return {"log_px": np.float32(log_likelihood)[None], "kl": np.float32(kl)}


def test_the_elbo_is_the_log_likelihood_minus_the_weighted_kl():
    value = ELBO(0.25)(terms_of([-3.0, 1.0], [2.0, 8.0]))
    np.testing.assert_allclose(numpy_of(value["objective"]), [-3.5, -1.0])
    assert ELBO(0.25).schedules["kl_weight"](9) == Constant(0.25)(9)


def test_the_elbo_with_a_capacity_holds_the_kl_near_it():
    layer, terms = ELBO(2.0, LinearWarmUp(2, 6.0)), terms_of([-3.0, 1.0], [2.0, 8.0])
    np.testing.assert_allclose(numpy_of(layer(terms)["objective"]), [-7.0, -15.0])
    assert layer.follow_schedules(1) == {"kl_weight": 2.0, "capacity": 3.0}
    np.testing.assert_allclose(numpy_of(layer(terms)["objective"]), [-5.0, -9.0])


def test_a_label_is_repeated_for_each_sample():
    repeat = RepeatForSamples()
    z = np.zeros((3, 2, 4), "float32")
    labels = numpy_of(repeat(np.float32([5, 6]), z))
    np.testing.assert_array_equal(labels, [5, 6, 5, 6, 5, 6])
    labels = numpy_of(repeat(np.float32([[1, 2], [3, 4]]), z[:2]))
    np.testing.assert_array_equal(labels, [[1, 2], [3, 4], [1, 2], [3, 4]])

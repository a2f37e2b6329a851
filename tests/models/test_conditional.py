"""The conditional VAE: what labels change, in encoder, decoder and prior."""

import keras
import numpy as np
import pytest

import models
from models import conditional
from models.blocks.likelihoods import Gaussian
from models.networks import MLP, Conv, FromFunctions, NetworkConfig
from models.networks.conv import label_as_channel
from models.variants.serket import with_prior_message

LABELS = np.arange(90) % 3


def build(**kwargs):
    settings = {"latent_dim": 2, "hidden_dims": (16,), "n_labels": 3, "seed": 0}
    model = conditional.build((6,), **settings | kwargs)
    model.compile(keras.optimizers.Adam(1e-2))
    return model


def fit(model, x, label, epochs):
    inputs = {"x": x, "label": label}
    return model.fit(inputs, epochs=epochs, batch_size=30, verbose=0).history


@pytest.fixture(scope="module")
def x():
    """A pattern of 0 and 1 for each label, and noise, (90, 6)."""
    rng = np.random.default_rng(0)
    patterns = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]])
    return np.abs(patterns[LABELS] - rng.uniform(0, 0.1, (90, 6))).astype("float32")


@pytest.fixture(scope="module")
def trained(x):
    model = build()
    fit(model, x, LABELS, 60)
    return model


def test_the_decoder_draws_the_label_it_is_asked_for(trained, x):
    for label in range(3):
        _, drawn = trained.sample(5, label, seed=1)
        expected = np.broadcast_to(x[LABELS == label].mean(axis=0), (5, 6))
        np.testing.assert_allclose(drawn, expected, atol=0.15)


def test_the_latents_need_not_encode_the_label(trained, x):
    terms = trained.evaluate({"x": x, "label": LABELS}, verbose=0, return_dict=True)
    plain = models.bernoulli.build((6,), 2, (16,), seed=0)
    plain.compile(keras.optimizers.Adam(1e-2))
    plain.fit({"x": x}, epochs=60, batch_size=30, verbose=0)
    others = plain.evaluate({"x": x}, verbose=0, return_dict=True)
    assert terms["loss"] < others["loss"] - 0.5
    assert terms["kl"] < 0.2 < others["kl"]


def test_another_label_gives_another_posterior(x):
    z_mean, _ = build().encode(x, LABELS)
    other, _ = build().encode(x, (LABELS + 1) % 3)
    assert np.abs(z_mean - other).max(axis=1).min() > 1e-3


# --- The prior ------------------------------------------------------------------------


def test_a_learned_prior_begins_as_the_standard_one(x):
    inputs = {"x": x, "label": LABELS}
    losses = [build(learned_prior=flag).evaluate(inputs, verbose=0) for flag in (0, 1)]
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_a_learned_prior_is_learned_and_sampled(x):
    """Real x of large scale, so that latents are used; their mean differs by label."""
    likelihood = Gaussian(0.5)
    model = build(
        learned_prior=True, likelihood=likelihood, activation="linear", latent_dim=1
    )
    start = np.array([[-2.0], [0.0], [2.0]])[LABELS]
    x = (start + np.random.default_rng(0).normal(0, 0.3, (90, 6))).astype("float32")
    model.compile(keras.optimizers.Adam(0.03))
    model.fit({"x": x, "label": LABELS}, epochs=500, batch_size=90, verbose=0)
    mean, precision = model.prior_moments(3, np.arange(3))
    z_mean, z_log_var = model.encode(x, LABELS)
    for label in range(3):
        mine = LABELS == label
        # the KL's minimum in the prior: the moments of the aggregate posterior
        assert mean[label] == pytest.approx(z_mean[mine].mean(), abs=0.2)
        variance = z_mean[mine].var() + np.exp(z_log_var[mine]).mean()
        assert 1 / precision[label] == pytest.approx(variance, rel=0.5)
        z, _ = model.sample(4000, label, seed=0)
        sd = precision[label] ** -0.5
        assert z.mean() == pytest.approx(mean[label], abs=4 * sd[0] / np.sqrt(4000))
        assert z.std() == pytest.approx(sd, rel=4 / np.sqrt(8000))


@pytest.mark.parametrize("learned_prior", [False, True])
def test_it_takes_a_message(x, learned_prior):
    model = with_prior_message(build(learned_prior=learned_prior))
    model.compile(keras.optimizers.Adam(1e-2))
    assert set(model.input) == {"x", "label", "prior_mean", "prior_precision"}
    message = {"prior_mean": np.zeros((90, 2)), "prior_precision": np.ones((90, 2))}
    inputs = {"x": x, "label": LABELS}
    history = model.fit(inputs | message, epochs=3, batch_size=30, verbose=0).history
    plain = fit(build(learned_prior=learned_prior), x, LABELS, 3)
    np.testing.assert_allclose(history["loss"], plain["loss"], 1e-5)


# --- Labels ---------------------------------------------------------------------------


def test_real_vectors_are_labels_too(x):
    """Unit vectors are the codes of integers: the same model, the same history."""
    vectors = build(label_dim=3)
    history = fit(vectors, x, np.eye(3)[LABELS], 3)
    np.testing.assert_allclose(
        history["loss"], fit(build(), x, LABELS, 3)["loss"], 1e-5
    )
    assert vectors.decode(np.zeros((4, 2)), np.array([0.2, 0.3, 0.5])).shape == (4, 6)


@pytest.mark.parametrize("n_samples", [1, 3])
def test_trains_with_several_draws_saves_and_loads(x, tmp_path, n_samples):
    model = build(n_samples=n_samples, learned_prior=True)
    fit(model, x, LABELS, 2)
    model.save(tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.reconstruct(x, LABELS), model.reconstruct(x, LABELS)
    )
    np.testing.assert_array_equal(loaded.sample(3, 1, 0)[0], model.sample(3, 1, 0)[0])
    assert fit(loaded, x, LABELS, 2) == fit(model, x, LABELS, 2)


def test_one_label_stands_for_all_rows(x):
    model = build()
    np.testing.assert_array_equal(
        model.reconstruct(x[:4], 2), model.reconstruct(x[:4], [2, 2, 2, 2])
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m, x: m.encode(x), "label must be given, .* conditional"),
        (lambda m, x: m.decode(np.zeros((2, 2))), "label must be given"),
        (lambda m, x: m.sample(3), "label must be given"),
        (lambda m, x: m.encode(x, 3), "integer of 0 .. 2. Received: 3"),
        (lambda m, x: m.encode(x, -1), "integer of 0 .. 2. Received: -1"),
        (lambda m, x: m.encode(x, LABELS + 0.5), "integer of 0 .. 2. Received: 0.5"),
        (lambda m, x: m.encode(x, LABELS[:5]), "one row for each of the 90 rows"),
        (lambda m, x: m.encode(x, np.eye(3)), r"label must have the shape \(n, \)"),
        (lambda m, x: m.fit({"x": x}), "must hold the inputs x, label. Received: x"),
        (lambda m, x: fit(m, x, LABELS * 2, 1), "integer of 0 .. 2. Received: 4"),
    ],
)
def test_wrong_labels_are_refused(x, call, message):
    with pytest.raises(ValueError, match=message):
        call(build(), x)


def test_a_model_that_is_not_conditional_takes_no_label(x):
    model = models.bernoulli.build((6,), seed=0)
    for call in (model.encode, model.reconstruct):
        with pytest.raises(ValueError, match="label is for conditional models"):
            call(x, LABELS)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n_labels": 0}, "n_labels must be an integer >= 1"),
        ({"label_dim": 0}, "label_dim must be an integer >= 1"),
        ({"network": object()}, "network must have a method condition"),
    ],
)
def test_build_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


# --- Networks -------------------------------------------------------------------------


def test_features_are_x_and_the_code():
    rng = np.random.default_rng(0)
    x, code = rng.random((2, 3, 4, 2)), rng.random((2, 5))
    inputs = [keras.Input((3, 4, 2)), keras.Input((5,))]
    both = MLP().condition(*inputs, config=None)
    joined = keras.Model(inputs, both).predict([x, code], verbose=0)
    expected = np.concatenate([x.reshape(2, 24), code], axis=1)
    np.testing.assert_allclose(joined, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 2)])
def test_channels_are_x_and_a_picture_linear_in_the_code(shape):
    rng = np.random.default_rng(0)
    x, code = rng.random((2, *shape)), rng.random((2, 5))
    inputs = [keras.Input(shape), keras.Input((5,))]
    config = NetworkConfig(shape, 2, (), "relu", 0, MLP())
    model = keras.Model(inputs, label_as_channel(*inputs, config))
    joined = model.predict([x, code], verbose=0)
    np.testing.assert_allclose(joined[..., :-1], x.reshape(2, 3, 4, -1), rtol=1e-6)
    kernel, bias = map(
        keras.ops.convert_to_numpy, model.get_layer("label_picture").weights
    )
    picture = (code @ kernel + bias).reshape(2, 3, 4)
    np.testing.assert_allclose(joined[..., -1], picture, rtol=1e-4, atol=1e-6)


def dense_encoder(x, latent_dim):
    h = keras.layers.Flatten()(x)
    return keras.layers.Dense(latent_dim)(h), keras.layers.Dense(latent_dim)(h)


@pytest.mark.parametrize(
    "network",
    [
        MLP((5,)),
        Conv((4, 8), dense=4),
        FromFunctions(dense_encoder, keras.layers.Dense(48)),
    ],
    ids=["mlp", "conv", "functions"],
)
@pytest.mark.parametrize("input_shape", [(8, 6), (8, 6, 1)])
def test_every_network_reads_labels(network, input_shape):
    if isinstance(network, FromFunctions):
        network = FromFunctions(dense_encoder, lambda z: keras.layers.Dense(48)(z))
    model = conditional.build(
        input_shape, 2, (8,), n_labels=3, network=network, seed=0, n_samples=2
    )
    model.compile("adam")
    x = np.random.default_rng(0).random((90, *input_shape)).astype("float32")
    history = fit(model, x, LABELS, 1)
    assert np.isfinite(history["loss"]).all()
    assert model.sample(2, 1, seed=0)[1].shape == (2, *input_shape)
    decoded = [model.decode(np.zeros((1, 2)), label) for label in (0, 1)]
    assert np.abs(decoded[0] - decoded[1]).max() > 1e-3


def test_a_network_that_takes_no_label_is_refused():
    class Unconditional:
        encoder, decoder = MLP().encoder, MLP().decoder

    with pytest.raises(
        ValueError, match=r"must have a method condition\(x, code, config\)"
    ):
        build(network=Unconditional())

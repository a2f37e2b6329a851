"""The bodies of encoder and decoder as functions: what they may do, and what not."""

import random

import keras
import numpy as np
import pytest
from keras import layers

import models
from models.networks import FromFunctions


def dense_encoder(x, latent_dim):
    h = layers.Dense(8, activation="relu")(layers.Flatten()(x))
    return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)


def dense_decoder(z):
    return layers.Dense(12)(layers.Dense(8, activation="relu")(z))


def convolutional_encoder(x, latent_dim):
    """With an operation of keras.ops among the layers, and a drawn mask."""
    h = layers.Conv2D(4, 3, padding="same")(layers.Reshape((4, 3, 1))(x))
    h = layers.Flatten()(layers.Dropout(0.1)(keras.ops.relu(h)))
    return [layers.Dense(latent_dim)(h), 0.5 * layers.Dense(latent_dim)(h)]


def convolutional_decoder(z):
    h = layers.Reshape((4, 3, 4))(layers.Dense(48, activation="relu")(z))
    return layers.Conv2DTranspose(1, 3, padding="same")(h)


DENSE = FromFunctions(dense_encoder, dense_decoder)
CONVOLUTIONAL = FromFunctions(convolutional_encoder, convolutional_decoder)


@pytest.mark.parametrize(
    "network, input_shape, name",
    [
        (DENSE, (4, 3), "serket"),
        (DENSE, (12,), "bernoulli"),
        (DENSE, (2, 2, 3), "vanilla"),
        (CONVOLUTIONAL, (4, 3), "bernoulli"),
        (CONVOLUTIONAL, (4, 3, 1), "vanilla"),
    ],
)
def test_functions_train_save_and_load(
    make, train, patterns, network, input_shape, name, tmp_path
):
    model, x = make(name, input_shape, network=network), patterns(*input_shape)
    assert model.get_layer("decoder").output_shape == (None, *input_shape)
    history = train(model, epochs=20, x=x)
    assert history["loss"][-1] < history["loss"][0] - 0.5
    assert model.reconstruct(x).shape == x.shape
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))


def test_what_functions_compute_is_what_the_model_computes(make, kernels, data):
    """Against matrices: the tensors are neither swapped, scaled nor left out."""

    def encoder(x, latent_dim):
        h = layers.Flatten()(x)
        mu = layers.Dense(latent_dim, name="mu")(h)
        return mu, layers.Dense(latent_dim, name="log_var")(h)

    network = FromFunctions(encoder, lambda z: layers.Dense(12, name="out")(z))
    model = make(network=network)
    z = np.random.default_rng(0).normal(size=(70, 2))
    found = kernels(model, "encoder") | kernels(model, "decoder")
    z_mean, z_log_var = model.encode(data)
    flat = data.reshape(70, 12)
    np.testing.assert_allclose(z_mean, flat @ found["mu"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(z_log_var, flat @ found["log_var"], rtol=1e-4, atol=1e-5)
    logits = (z @ found["out"]).reshape(70, 4, 3)
    np.testing.assert_allclose(model.decode(z), 1 / (1 + np.exp(-logits)), rtol=1e-4)


@pytest.mark.parametrize("network", [DENSE, CONVOLUTIONAL])
def test_functions_meet_the_contract_in_half_precision(make, train, network):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = make(network=network)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    inner = [w for w in model.get_layer("encoder").layers if w.name.startswith("dense")]
    assert {layer.compute_dtype for layer in inner} == {"bfloat16"}
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    assert set(encoder.output) == {"z_mean", "z_log_var"}
    assert {tensor.dtype for tensor in encoder.output.values()} == {"float32"}
    assert {encoder.get_layer(key).name for key in encoder.output} == set(
        encoder.output
    )
    assert decoder.output.dtype == "float32"
    assert all(np.isfinite(train(model)["loss"]))


@pytest.mark.parametrize("network", [DENSE, CONVOLUTIONAL])
def test_the_seed_decides_the_weights_and_masks_of_functions(
    make, train, kernels, network
):
    """And Python's `random`, from which Keras takes seeds, stays where it was."""
    random.seed(1)
    runs = []
    for seed in (5, 5, 6):
        state = random.getstate()
        model = make(network=network, seed=seed)
        assert random.getstate() == state
        random.random()
        weights = list(kernels(model, "encoder").values())
        runs.append((weights, train(model)["loss"]))
    for one, two, three in zip(*(weights for weights, _ in runs), strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.any(one == three)
    # on torch, Dropout without a seed takes its masks from torch's own generator
    if network is DENSE or keras.backend.backend() != "torch":
        assert runs[0][1] == runs[1][1]
    mean, log_var = runs[0][0][-2:]
    assert mean.shape == log_var.shape and not np.any(mean == log_var)


# --- Functions that are refused -------------------------------------------------------


def elsewhere(x, latent_dim):
    """Computed from an input that is not the model's."""
    return dense_encoder(keras.Input(x.shape[1:]), latent_dim)


TWO = r"build_encoder must return two Keras tensors \(mu, log_var\)"


@pytest.mark.parametrize(
    "build_encoder, message",
    [
        (lambda x, n: dense_encoder(x, n)[0], rf"{TWO}.*: KerasTensor \(None, 2\)$"),
        (lambda x, n: dense_encoder(x, n)[:1], rf"{TWO}.*\(KerasTensor \(None, 2\)\)$"),
        (lambda x, n: (*dense_encoder(x, n), "adam"), rf"{TWO}.*, str\)$"),
        (lambda x, n: None, rf"{TWO}.*Received: NoneType$"),
        (lambda x, n: (np.zeros((64, 2)), np.zeros((64, 2))), rf"{TWO}.*ndarray"),
        (
            lambda x, n: dense_encoder(x, n + 1),
            rf"{TWO}, each of the shape \(None, 2\). Received: .*\(None, 3\)",
        ),
        (
            lambda x, n: (dense_encoder(x, n)[0], dense_encoder(x, 1)[0]),
            rf"{TWO}.*KerasTensor \(None, 2\), KerasTensor \(None, 1\)",
        ),
        (lambda x, n: (layers.Dense(n)(x),) * 2, rf"{TWO}.*\(None, 4, 2\)"),
        (elsewhere, "the encoder is no model: .* not connected"),
    ],
)
def test_encoders_refused(make, build_encoder, message):
    with pytest.raises(ValueError, match=message):
        make(network=FromFunctions(build_encoder, dense_decoder))


ONE = (
    r"build_decoder must return one Keras tensor of the shape \(None, 4, 3\) or "
    r"\(None, 12\). Received: "
)


@pytest.mark.parametrize(
    "build_decoder, message",
    [
        (lambda z: layers.Dense(11)(z), ONE + r"KerasTensor \(None, 11\)"),
        (
            lambda z: layers.Reshape((3, 4))(dense_decoder(z)),
            ONE + r"KerasTensor \(None, 3, 4\)",
        ),
        (
            lambda z: keras.ops.reshape(dense_decoder(z), (5, 12)),
            ONE + r"KerasTensor \(5, 12\)",
        ),
        (lambda z: keras.ops.mean(z, axis=-1), ONE + r"KerasTensor \(None,\)"),
        (
            lambda z: (dense_decoder(z), "adam"),
            ONE + r"\(KerasTensor \(None, 12\), str",
        ),
        (lambda z: np.zeros((64, 12)), ONE + "ndarray"),
        (lambda z: None, ONE + "NoneType"),
        (
            lambda z: dense_decoder(keras.Input((2,))),
            "the decoder is no model: .* not connected",
        ),
    ],
)
def test_decoders_refused(make, build_decoder, message):
    with pytest.raises(ValueError, match=message):
        make(network=FromFunctions(dense_encoder, build_decoder))


@pytest.mark.parametrize("argument", ["build_encoder", "build_decoder"])
def test_what_is_no_function_is_refused(argument):
    functions = {"build_encoder": dense_encoder, "build_decoder": dense_decoder}
    with pytest.raises(ValueError, match=f"{argument} must be a function. .*: 'mlp'"):
        FromFunctions(**functions | {argument: "mlp"})


def named_encoder(name):
    def encoder(x, latent_dim):
        return dense_encoder(
            layers.Dense(5, name=name)(layers.Flatten()(x)), latent_dim
        )

    return encoder


def named_decoder(name):
    return lambda z: layers.Dense(12)(layers.Dense(5, name=name)(z))


def nested(units):
    """A layer `inside` whose path is that of any other such layer."""
    return keras.Sequential([layers.Dense(units, name="inside")], name="outside")


@pytest.mark.parametrize(
    "network, name",
    [
        (FromFunctions(named_encoder("h"), named_decoder("h")), "'h' .* decoder"),
        (FromFunctions(named_encoder("prior"), dense_decoder), "'prior' .* encoder"),
        (FromFunctions(dense_encoder, named_decoder("x")), "'x' .* decoder"),
        (FromFunctions(dense_encoder, named_decoder("z_mean")), "'z_mean' .* decoder"),
        (
            FromFunctions(
                lambda x, n: dense_encoder(nested(5)(layers.Flatten()(x)), n),
                lambda z: dense_decoder(nested(5)(z)),
            ),
            "'outside' .* decoder",
        ),
    ],
)
def test_names_taken_in_the_whole_model_are_refused(make, network, name):
    with pytest.raises(ValueError, match=f"a name of its own. Received: {name}"):
        make(network=network)


def test_names_taken_twice_in_one_half_are_refused(make):
    with pytest.raises(
        ValueError, match='encoder is no model: .*"z_log_var" is used 2'
    ):
        make(network=FromFunctions(named_encoder("z_log_var"), dense_decoder))


def test_a_layer_in_both_halves_is_refused(make):
    """In a saved file it would become two."""
    tied = layers.Dense(2, name="tied")
    network = FromFunctions(
        lambda x, n: dense_encoder(tied(layers.Dense(2)(layers.Flatten()(x))), n),
        lambda z: dense_decoder(tied(z)),
    )
    with pytest.raises(
        ValueError, match="Received: 'tied' a second time, in the decoder"
    ):
        make(network=network)


def test_weights_of_one_path_are_refused_inside_layers_too(make):
    """Layers of two names, one in each half, that hold one layer."""
    tied = layers.Dense(2, name="tied")
    one, two = (keras.Sequential([tied], name=name) for name in ("one", "two"))
    network = FromFunctions(
        lambda x, n: dense_encoder(one(layers.Dense(2)(layers.Flatten()(x))), n),
        lambda z: dense_decoder(two(z)),
    )
    with pytest.raises(ValueError, match="tied/kernel' a second time, in the decoder"):
        make(network=network)


def test_names_may_repeat_inside_layers_whose_weights_have_other_paths(make):
    def attention(x, latent_dim):
        x = layers.MultiHeadAttention(1, 2)(x, x)
        return dense_encoder(layers.MultiHeadAttention(1, 2)(x, x), latent_dim)

    model = make(network=FromFunctions(attention, dense_decoder))
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)

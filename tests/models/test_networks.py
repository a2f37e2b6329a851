"""The bodies of encoder and decoder: what `network` decides, and what it refuses."""

import itertools
import random

import keras
import numpy as np
import pytest
from keras import layers
from scipy import stats

import models
from models import VARIANTS
from models.blocks.networks import MLP, FromFunctions

SHAPE = (4, 3)


@pytest.fixture(params=list(VARIANTS))
def name(request):
    return request.param


def build(network=None, name="bernoulli", input_shape=SHAPE, **kwargs):
    given = {} if network is None else {"network": network}
    kwargs = {"latent_dim": 2, "hidden_dims": (8,), "seed": 0} | given | kwargs
    return VARIANTS[name](input_shape, **kwargs)


def kernels(model, half):
    """The kernels of a half, by the name of their layer, in the order of the layers."""
    weights = model.get_layer(half).weights
    return {
        weight.path.split("/")[0]: keras.ops.convert_to_numpy(weight)
        for weight in weights
        if weight.path.endswith("/kernel")
    }


def shapes(model, half):
    return {name: kernel.shape for name, kernel in kernels(model, half).items()}


def patterns(input_shape=SHAPE, n=64):
    """Dark and bright data in turn, with noise, (n, *input_shape) in [0, 1]."""
    noise = np.random.default_rng(0).uniform(0, 0.2, (n, *input_shape))
    bright = np.arange(n).reshape(n, *[1] * len(input_shape)) % 2
    return np.abs(bright - noise).astype("float32")


def train(model, x, epochs=2):
    inputs = {"x": x}
    for key in set(model.input) - {"x"}:
        value = 0.0 if key == "prior_mean" else 1.0
        inputs[key] = np.full((len(x), 2), value, "float32")
    if not model.compiled:
        model.compile(keras.optimizers.Adam(1e-2))
    return model.fit(inputs, batch_size=16, epochs=epochs, verbose=0).history


# --- MLP ------------------------------------------------------------------------------


def test_the_default_draws_glorots_kernels_in_the_order_of_the_layers(name):
    """Models of a seed stay what they are: each kernel from its place in the stream."""
    stream = np.random.default_rng(5)
    seeds = [int(stream.integers(2**31 - 1)) for _ in range(7)]
    del seeds[4]  # that is the noise of z
    expected = {
        "encoder_1": (12, 8),
        "encoder_2": (8, 5),
        "z_mean": (5, 2),
        "z_log_var": (5, 2),
        "decoder_1": (2, 5),
        "decoder_2": (5, 8),
    }
    for network in (None, MLP()):
        model = build(network, name, hidden_dims=(8, 5), seed=5)
        found = kernels(model, "encoder") | kernels(model, "decoder")
        for (layer, shape), seed in zip(expected.items(), seeds, strict=True):
            kernel = keras.initializers.GlorotUniform(seed)(shape)
            kernel = keras.ops.convert_to_numpy(kernel)
            np.testing.assert_array_equal(found[layer], kernel, err_msg=layer)


@pytest.mark.parametrize(
    "dims, expected",
    [
        (None, {"decoder_1": (2, 5), "decoder_2": (5, 8), "decoder_output": (8, 12)}),
        ((7,), {"decoder_1": (2, 7), "decoder_output": (7, 12)}),
        ([6, 9], {"decoder_1": (2, 6), "decoder_2": (6, 9), "decoder_output": (9, 12)}),
        ((), {"decoder_output": (2, 12)}),
    ],
)
def test_decoder_dims_are_the_widths_of_the_decoder_only(name, dims, expected):
    model = build(MLP(decoder_dims=dims), name, hidden_dims=(8, 5))
    assert shapes(model, "decoder") == expected
    assert shapes(model, "encoder") == {
        "encoder_1": (12, 8),
        "encoder_2": (8, 5),
        "z_mean": (5, 2),
        "z_log_var": (5, 2),
    }


@pytest.mark.parametrize("stddev", [0.1, 2])
def test_weight_stddev_gives_normals_cut_at_two_deviations(name, stddev):
    model = build(
        MLP(weight_stddev=stddev), name, (60,), latent_dim=50, hidden_dims=(40,)
    )
    law = stats.truncnorm(-2, 2, scale=stddev)
    found = kernels(model, "encoder") | kernels(model, "decoder")
    assert len(found) == 5
    for layer, kernel in found.items():
        values, n = kernel.ravel(), kernel.size
        assert np.abs(values).max() <= 2 * stddev * (1 + 1e-6), layer
        assert abs(values.mean()) < 4 * law.std() / np.sqrt(n), layer
        assert values.std() == pytest.approx(law.std(), rel=4 / np.sqrt(2 * n)), layer
        assert stats.kstest(values, law.cdf).pvalue > 1e-4, layer
    biases = [w for w in model.trainable_weights if w.path.endswith("/bias")]
    assert len(biases) == 5
    assert all(np.all(keras.ops.convert_to_numpy(bias) == 0) for bias in biases)


@pytest.mark.parametrize("network", [MLP(), MLP(weight_stddev=0.1)])
def test_kernels_differ_between_layers_and_repeat_with_the_seed(network):
    first, again, other = (
        kernels(model, "encoder") | kernels(model, "decoder")
        for seed in (3, 3, 4)
        for model in [build(network, input_shape=(8,), latent_dim=8, seed=seed)]
    )
    assert len(first) == 5
    for one, two in itertools.combinations(first.values(), 2):
        assert one.shape == two.shape == (8, 8)
        assert not np.any(one == two)
    for layer in first:
        np.testing.assert_array_equal(first[layer], again[layer])
        assert not np.any(first[layer] == other[layer])


def test_serkets_network_trains_saves_and_loads(name, tmp_path):
    network = MLP(decoder_dims=(6,), weight_stddev=0.3)
    model = build(network, name, kl_weight=1.0)
    history = train(model, patterns(), epochs=30)
    assert history["loss"][-1] < history["loss"][0] - 0.5
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    assert shapes(again, "decoder") == {"decoder_1": (2, 6), "decoder_output": (6, 12)}
    assert train(model, patterns()) == train(again, patterns())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"decoder_dims": 8}, "decoder_dims must be made of integers >= 1"),
        ({"decoder_dims": (8, 0)}, "decoder_dims must be made of integers >= 1"),
        ({"decoder_dims": (8.0,)}, "decoder_dims must be made of integers >= 1"),
        ({"weight_stddev": 0.0}, "weight_stddev must be a number > 0.* Received: .*=0"),
        ({"weight_stddev": -0.1}, "weight_stddev must be a number > 0"),
        ({"weight_stddev": float("nan")}, "weight_stddev must be a number > 0"),
        ({"weight_stddev": float("inf")}, "weight_stddev must be a number > 0"),
        ({"weight_stddev": True}, "weight_stddev must be a number > 0"),
        ({"weight_stddev": "small"}, "weight_stddev must be a number > 0"),
    ],
)
def test_mlp_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        MLP(**arguments)


@pytest.mark.parametrize("network", ["mlp", MLP, None])
def test_build_refuses_what_is_no_network(name, network):
    with pytest.raises(ValueError, match="network must be an object with the methods"):
        VARIANTS[name](SHAPE, network=network)


def test_an_object_with_the_two_methods_is_a_network(name):
    class Linear:
        def encoder(self, settings):
            return MLP().encoder(settings)

        def decoder(self, settings):
            return MLP(decoder_dims=()).decoder(settings)

    assert shapes(build(Linear(), name), "decoder") == {"decoder_output": (2, 12)}


# --- Functions ------------------------------------------------------------------------


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
        *((DENSE, (4, 3), name) for name in VARIANTS),
        (DENSE, (12,), "bernoulli"),
        (DENSE, (2, 2, 3), "vanilla"),
        (CONVOLUTIONAL, (4, 3), "bernoulli"),
        (CONVOLUTIONAL, (4, 3, 1), "vanilla"),
    ],
)
def test_functions_train_save_and_load(network, input_shape, name, tmp_path):
    model, x = build(network, name, input_shape), patterns(input_shape)
    assert model.get_layer("decoder").output_shape == (None, *input_shape)
    history = train(model, x, epochs=20)
    assert history["loss"][-1] < history["loss"][0] - 0.5
    assert model.reconstruct(x).shape == x.shape
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))


def test_what_functions_compute_is_what_the_model_computes():
    """Against matrices: the tensors are neither swapped, scaled nor left out."""

    def encoder(x, latent_dim):
        h = layers.Flatten()(x)
        mu = layers.Dense(latent_dim, name="mu")(h)
        return mu, layers.Dense(latent_dim, name="log_var")(h)

    model = build(FromFunctions(encoder, lambda z: layers.Dense(12, name="out")(z)))
    x, z = patterns(), np.random.default_rng(0).normal(size=(64, 2))
    found = kernels(model, "encoder") | kernels(model, "decoder")
    z_mean, z_log_var = model.encode(x)
    flat = x.reshape(64, 12)
    np.testing.assert_allclose(z_mean, flat @ found["mu"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(z_log_var, flat @ found["log_var"], rtol=1e-4, atol=1e-5)
    logits = (z @ found["out"]).reshape(64, 4, 3)
    np.testing.assert_allclose(model.decode(z), 1 / (1 + np.exp(-logits)), rtol=1e-4)


@pytest.mark.parametrize("network", [DENSE, CONVOLUTIONAL])
def test_functions_meet_the_contract_in_half_precision(network):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(network)
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
    assert all(np.isfinite(train(model, patterns())["loss"]))


@pytest.mark.parametrize("network", [DENSE, CONVOLUTIONAL])
def test_the_seed_decides_the_weights_and_masks_of_functions(network):
    """And Python's `random`, from which Keras takes seeds, stays where it was."""
    random.seed(1)
    runs = []
    for seed in (5, 5, 6):
        state = random.getstate()
        model = build(network, seed=seed)
        assert random.getstate() == state
        random.random()
        weights = list(kernels(model, "encoder").values())
        runs.append((weights, train(model, patterns())["loss"]))
    for one, two, three in zip(*(weights for weights, _ in runs), strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.any(one == three)
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
def test_encoders_refused(build_encoder, message):
    with pytest.raises(ValueError, match=message):
        build(FromFunctions(build_encoder, dense_decoder))


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
def test_decoders_refused(build_decoder, message):
    with pytest.raises(ValueError, match=message):
        build(FromFunctions(dense_encoder, build_decoder))


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
        (FromFunctions(named_encoder("kl"), dense_decoder), "'kl' .* encoder"),
        (FromFunctions(dense_encoder, named_decoder("z")), "'z' .* decoder"),
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
def test_names_taken_in_the_whole_model_are_refused(network, name):
    with pytest.raises(ValueError, match=f"a name of its own. Received: {name}"):
        build(network)


def test_names_taken_twice_in_one_half_are_refused():
    with pytest.raises(
        ValueError, match='encoder is no model: .*"z_log_var" is used 2'
    ):
        build(FromFunctions(named_encoder("z_log_var"), dense_decoder))


def test_a_layer_in_both_halves_is_refused():
    """In a saved file it would become two."""
    tied = layers.Dense(2, name="tied")
    network = FromFunctions(
        lambda x, n: dense_encoder(tied(layers.Dense(2)(layers.Flatten()(x))), n),
        lambda z: dense_decoder(tied(z)),
    )
    with pytest.raises(ValueError, match="Received: 'tied' once more, in the decoder"):
        build(network)


def test_weights_of_one_path_are_refused_inside_layers_too():
    """Layers of two names, one in each half, that hold one layer."""
    tied = layers.Dense(2, name="tied")
    one, two = (keras.Sequential([tied], name=name) for name in ("one", "two"))
    network = FromFunctions(
        lambda x, n: dense_encoder(one(layers.Dense(2)(layers.Flatten()(x))), n),
        lambda z: dense_decoder(two(z)),
    )
    with pytest.raises(ValueError, match="tied/kernel' once more, in the decoder"):
        build(network)


def test_names_may_repeat_inside_layers_whose_weights_have_other_paths():
    def attention(x, latent_dim):
        x = layers.MultiHeadAttention(1, 2)(x, x)
        return dense_encoder(layers.MultiHeadAttention(1, 2)(x, x), latent_dim)

    model = build(FromFunctions(attention, dense_decoder))
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)

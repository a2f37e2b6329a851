"""The network of convolutions: shapes, counts, training, normalisation, refusals."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import models
from models import VARIANTS
from models.networks import Conv, batch_normalization, group_normalization
from models.variants.serket import with_prior_message

SHAPE = (7, 6)
SMALL = {"filters": (8,), "dense": 8}


def mixed(name, channels):
    """Batch normalisation in the encoder, group normalisation in the decoder."""
    batch = name.startswith("encoder")
    return (batch_normalization if batch else group_normalization)(name, channels)


def build(network=None, name="bernoulli", input_shape=SHAPE, **kwargs):
    kwargs = {"latent_dim": 2, "seed": 0} | kwargs
    return VARIANTS[name](input_shape, network=network or Conv(**SMALL), **kwargs)


def patterns(input_shape=SHAPE, n=48):
    """Bright left and bright right quarters in turn, with noise, in [0, 1]."""
    noise = np.random.default_rng(0).uniform(0, 0.2, (n, *input_shape))
    side = input_shape[1] // 4
    bright = np.zeros((n, *input_shape))
    bright[::2, :, :side] = 1
    bright[1::2, :, -side:] = 1
    return np.abs(bright - noise).astype("float32")


def inputs_of(model, x):
    """x, labels, and the message N(0, I) for a model that takes one."""
    others = {
        "label": np.arange(len(x)) % 2,
        "prior_mean": np.zeros((len(x), 2)),
        "prior_precision": np.ones((len(x), 2)),
    }
    return {"x": x} | {key: others[key] for key in model.input if key != "x"}


def train(model, x, epochs=1):
    if not model.compiled:
        model.compile(keras.optimizers.Adam(1e-2))
    inputs = inputs_of(model, x)
    return model.fit(inputs, batch_size=16, epochs=epochs, verbose=0).history


def evaluate(model, x):
    return model.evaluate(inputs_of(model, x), verbose=0, return_dict=True)


def names(model, half):
    return [layer.name for layer in model.get_layer(half).layers]


def kernels(model):
    return [
        ops.convert_to_numpy(weight)
        for weight in model.trainable_weights
        if weight.path.endswith("/kernel")
    ]


# --- Shapes and layers ----------------------------------------------------------------


@pytest.mark.parametrize(
    "input_shape, smallest",
    [
        ((28, 28), (7, 7)),
        ((27, 31), (7, 8)),
        ((32, 32, 3), (8, 8)),
        ((100, 64, 1), (25, 16)),
        ((4, 5, 2), (1, 2)),
    ],
)
def test_any_size_comes_out_as_it_went_in(input_shape, smallest):
    model = build(Conv((4, 6)), input_shape=input_shape)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    assert encoder.output_shape == (None, 16)
    assert decoder.output_shape == (None, *input_shape)
    inner = encoder.get_layer("encoder_activation_2").output
    assert inner.shape == (None, *smallest, 6)
    assert decoder.get_layer("decoder_map").output.shape == inner.shape
    x = patterns(input_shape, n=3)
    assert model.reconstruct(x).shape == x.shape


def test_the_default_has_the_parameters_of_kerass_example():
    """3 x 3 x in x out + out of a convolution, in x out + out of a dense layer.

    https://keras.io/examples/generative/vae prints 69,076 and 65,089.
    """
    model = build(Conv(), input_shape=(28, 28, 1))
    flat = 7 * 7 * 64
    convolutions = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64)
    encoder = convolutions + (flat * 16 + 16) + 2 * (16 * 2 + 2)
    transposed = (9 * 64 * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 * 1 + 1)
    decoder = (2 * flat + flat) + transposed
    assert (encoder, decoder) == (69_076, 65_089)
    heads = model.posterior.count_params()
    assert model.get_layer("encoder").count_params() + heads == encoder
    assert model.get_layer("decoder").count_params() == decoder


def test_the_order_of_the_layers():
    network = Conv((4,), normalization=group_normalization, residual=True)
    model = build(network)
    block = ["conv_1", "norm_1", "activation", "conv_2", "norm_2", "sum"]
    assert names(model, "encoder") == [
        *("encoder_input", "encoder_image"),
        *("encoder_conv_1", "encoder_norm_1", "encoder_activation_1"),
        *(f"encoder_block_1_{name}" for name in block),
        *("encoder_flatten", "encoder_dense"),
    ]
    assert names(model, "decoder") == [
        *("decoder_input", "decoder_dense", "decoder_map"),
        *(f"decoder_block_1_{name}" for name in block),
        *("decoder_conv_1", "decoder_crop_1", "decoder_norm_1"),
        *("decoder_activation_1", "decoder_output", "decoder_shape"),
    ]
    plain = build(Conv((4,), dense=None), input_shape=(8, 8))
    assert names(plain, "encoder")[2:] == [
        *("encoder_conv_1", "encoder_activation_1", "encoder_flatten"),
    ]
    assert not any("crop" in name for name in names(plain, "decoder"))


@pytest.mark.parametrize("name", list(VARIANTS))
def test_names_are_unique_over_the_whole_model(name):
    model = build(Conv((4, 6), normalization=mixed, residual=True), name)
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)
    leaves = [layer.name for layer in model._flatten_layers()]
    assert len(set(leaves)) == len(leaves)


@pytest.mark.parametrize("input_shape", [(6, 8, 5), (7, 10, 5), (9, 7, 5)])
def test_a_decoders_convolution_is_the_transpose_of_an_encoders(input_shape):
    """<A x, y> = <x, A^T y> with one kernel in both, odd sides cropped too."""
    model = build(Conv((5,)), input_shape=input_shape)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    down = encoder.get_layer("encoder_conv_1")
    up = decoder.get_layer("decoder_conv_1")
    up.kernel.assign(down.kernel)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, *input_shape)).astype("float32")
    y = rng.normal(size=(1, *down.output.shape[1:])).astype("float32")
    end = decoder.get_layer("decoder_activation_1").input
    back = ops.convert_to_numpy(keras.Model(up.input, end)(y))
    forth = ops.convert_to_numpy(down(x))
    assert np.sum(forth * y) == pytest.approx(np.sum(x * back), rel=1e-4, abs=1e-3)


def test_group_normalization_takes_as_many_groups_as_divide_the_channels():
    groups = {3: 1, 6: 2, 12: 4, 32: 8, 64: 8}
    found = {n: group_normalization("norm", n).groups for n in groups}
    assert found == groups


# --- Training -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "normalization, residual",
    [(None, True), (batch_normalization, False), (group_normalization, False)],
)
def test_it_trains_saves_and_loads(normalization, residual, tmp_path):
    network = Conv(**SMALL, normalization=normalization, residual=residual)
    model, x = build(network), patterns()
    loss = train(model, x, epochs=10)["loss"]
    assert loss[-1] < loss[0] - 3
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))


@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_variant_trains_and_takes_a_message(name):
    network = Conv(**SMALL, normalization=batch_normalization)
    model, x = build(network, name, n_samples=2), patterns()
    model = model if model.takes_message else with_prior_message(model)
    loss = train(model, x, epochs=8)["loss"]
    assert loss[-1] < loss[0] - 3
    inputs = inputs_of(model, x)
    far = inputs | {"prior_mean": inputs["prior_mean"] + 3.0}
    kl, kl_far = (ops.convert_to_numpy(model(i)["kl"]) for i in (inputs, far))
    assert np.mean(np.abs(kl_far - kl)) > 0.1


def test_the_seed_decides_the_weights():
    same, again, other = (kernels(build(seed=seed)) for seed in (3, 3, 4))
    assert len(same) == 7
    for one, two, three in zip(same, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.any(one == three)
    network = Conv((4, 4), residual=True)
    alike = [k for k in kernels(build(network)) if k.shape == (3, 3, 4, 4)]
    assert len(alike) == 11
    for one, two in itertools.combinations(alike, 2):
        assert not np.any(one == two)


def test_it_meets_the_contract_in_half_precision():
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(Conv(**SMALL, normalization=mixed))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    for name in ("encoder_conv_1", "encoder_norm_1"):
        assert encoder.get_layer(name).compute_dtype == "bfloat16"
    assert encoder.output.dtype == "bfloat16"
    assert {head.compute_dtype for head in model.posterior.heads.values()} == {
        "float32"
    }
    assert decoder.output.dtype == "float32"
    assert decoder.get_layer("decoder_output").compute_dtype == "float32"
    assert all(np.isfinite(train(model, patterns())["loss"]))


# --- Batch normalisation --------------------------------------------------------------


@pytest.fixture(scope="module")
def normalized():
    """A model with batch normalisation whose moving statistics have moved."""
    model = build(Conv(**SMALL, normalization=batch_normalization))
    train(model, patterns(), epochs=3)
    return model


def test_evaluation_leaves_batch_normalization_as_it_is(normalized):
    before = [ops.convert_to_numpy(w) for w in normalized.weights]
    assert evaluate(normalized, patterns()) == evaluate(normalized, patterns())
    for weight, value in zip(normalized.weights, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(weight), value)


def test_a_row_alone_is_encoded_and_decoded_as_in_the_batch(normalized):
    x = patterns(n=8)
    z = normalized.encode(x)[0]
    alone = normalized.encode(x[:1])[0]
    np.testing.assert_allclose(alone, z[:1], rtol=1e-4, atol=1e-5)
    alone, together = normalized.decode(z[:1]), normalized.decode(z)
    np.testing.assert_allclose(alone, together[:1], rtol=1e-4, atol=1e-5)


def test_encoding_normalizes_by_the_moving_statistics(normalized):
    """(h - mean) / sqrt(variance + 0.001) gamma + beta, Ioffe and Szegedy (2015)."""
    encoder, x = normalized.get_layer("encoder"), patterns(n=8)
    norm = encoder.get_layer("encoder_norm_1")
    inner = keras.Model(encoder.input, [norm.input, norm.output])
    h, found = inner.predict(x, verbose=0)
    gamma, beta, mean, variance = (ops.convert_to_numpy(w) for w in norm.weights)
    assert np.all(mean != 0) and np.all(variance != 1)
    expected = (h - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# --- Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"filters": ()}, "filters must be made of integers >= 1"),
        ({"filters": 32}, "filters must be made of integers >= 1"),
        ({"filters": (32, 0)}, r"filters must .* Received: filters=\(32, 0\)"),
        ({"filters": (32.0,)}, "filters must be made of integers >= 1"),
        ({"dense": 0}, "dense must be an integer >= 1, or None.* Received: dense=0"),
        ({"dense": (16,)}, "dense must be an integer >= 1, or None"),
        ({"dense": 16.0}, "dense must be an integer >= 1, or None"),
        ({"dense": True}, "dense must be an integer >= 1, or None"),
        ({"normalization": "batch"}, "normalization must be a function"),
        (
            {"normalization": keras.layers.BatchNormalization},
            "normalization must be a function .*BatchNormalization",
        ),
        ({"residual": 2}, "residual must be True or False. Received: residual=2"),
    ],
)
def test_conv_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Conv(**arguments)


@pytest.mark.parametrize("input_shape", [12, (12,), (3, 12), (12, 3, 1), (8, 8, 3, 2)])
def test_build_refuses_what_is_no_image_or_too_small(input_shape):
    message = (
        "Conv needs images of at least 4 x 4 for 2 strided convolutions, .*"
        r"Received: input_shape=\("
    )
    with pytest.raises(ValueError, match=message):
        build(Conv(), input_shape=input_shape)

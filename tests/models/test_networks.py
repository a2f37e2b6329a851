"""The bodies of encoder and decoder: dense layers, and objects of one's own."""

import itertools

import keras
import numpy as np
import pytest
from scipy import stats

import models
from models.networks import MLP


@pytest.fixture(params=["vanilla", "serket"])
def name(request):
    """Two variants will do: the networks are the same in all."""
    return request.param


@pytest.fixture
def shapes(kernels):
    """A function that gives the shapes of the `kernels`."""

    def shapes(model, half):
        return {name: kernel.shape for name, kernel in kernels(model, half).items()}

    return shapes


def test_the_default_draws_glorots_kernels_in_the_order_of_the_layers(
    make, kernels, name
):
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
    for network in ({}, {"network": MLP()}):
        model = make(name, hidden_dims=(8, 5), seed=5, **network)
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
def test_decoder_dims_are_the_widths_of_the_decoder_only(
    make, shapes, name, dims, expected
):
    model = make(name, hidden_dims=(8, 5), network=MLP(decoder_dims=dims))
    assert shapes(model, "decoder") == expected
    assert shapes(model, "encoder") == {
        "encoder_1": (12, 8),
        "encoder_2": (8, 5),
        "z_mean": (5, 2),
        "z_log_var": (5, 2),
    }


@pytest.mark.parametrize("stddev", [0.1, 2])
def test_weight_stddev_gives_normals_cut_at_two_deviations(make, kernels, name, stddev):
    network = MLP(weight_stddev=stddev)
    shape = {"latent_dim": 50, "hidden_dims": (40,)}
    model = make(name, (60,), **shape, network=network, seed=1)
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
def test_kernels_differ_between_layers_and_repeat_with_the_seed(make, kernels, network):
    first, again, other = (
        kernels(model, "encoder") | kernels(model, "decoder")
        for seed in (3, 3, 4)
        for model in [make(input_shape=(8,), latent_dim=8, seed=seed, network=network)]
    )
    assert len(first) == 5
    for one, two in itertools.combinations(first.values(), 2):
        assert one.shape == two.shape == (8, 8)
        assert not np.any(one == two)
    for layer in first:
        np.testing.assert_array_equal(first[layer], again[layer])
        assert not np.any(first[layer] == other[layer])


def test_serkets_network_trains_saves_and_loads(make, train, shapes, name, tmp_path):
    network = MLP(decoder_dims=(6,), weight_stddev=0.3)
    model = make(name, kl_weight=1.0, network=network)
    history = train(model, epochs=30)
    assert history["loss"][-1] < history["loss"][0] - 0.5
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    assert shapes(again, "decoder") == {"decoder_1": (2, 6), "decoder_output": (6, 12)}
    assert train(model) == train(again)


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
def test_build_refuses_what_is_no_network(make, name, network):
    with pytest.raises(ValueError, match="network must be an object with the methods"):
        make(name, network=network)


def test_an_object_with_the_two_methods_is_a_network(make, shapes, name):
    class Linear:
        def encoder(self, settings):
            return MLP().encoder(settings)

        def decoder(self, settings):
            return MLP(decoder_dims=()).decoder(settings)

    assert shapes(make(name, network=Linear()), "decoder") == {
        "decoder_output": (2, 12)
    }

"""When XLA compiles training steps, on TensorFlow on a CPU."""

import keras
import numpy as np
import pytest
from keras import layers

import models
from models import networks
from models.training import xla

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a choice on TensorFlow only"
)


@pytest.fixture
def threshold(monkeypatch):
    """The weights per row from which a step of these tests is compiled."""
    monkeypatch.setattr(xla, "MIN_WEIGHTS_PER_ROW", 8)
    return 8


@pytest.fixture
def trained(threshold, train):
    """A function that trains a model, and returns whether XLA compiled its steps."""

    def trained(model, jit_compile="auto", **kwargs):
        model.compile(keras.optimizers.SGD(0.05), jit_compile=jit_compile)
        train(model, 1, **kwargs)
        return model.is_jitted

    return trained


def test_small_batches_are_compiled_and_large_ones_are_not(trained, threshold, make):
    model = make(hidden_dims=(9,))
    most = model.count_params() // threshold
    assert 20 < most < 69  # of 70 rows
    assert trained(model, batch_size=most)
    assert not trained(model, batch_size=most + 1)
    assert xla.should_jit(model, most) and not xla.should_jit(model, most + 1)


def test_a_network_for_mnist_is_compiled_at_20_rows_and_not_at_500():
    model = models.bernoulli.build((784,), 18, (128,))
    model.compile("adam")
    assert xla.should_jit(model, 20) and not xla.should_jit(model, 500)


def test_the_request_of_compile_is_respected(make):
    model = make()
    for request in (False, True):
        model.compile("sgd", jit_compile=request)
        assert all(xla.should_jit(model, n) == request for n in (1, 10**6))


def test_samples_of_z_count_as_rows(make, threshold):
    for n_samples in (1, 2, 3):
        model = make(n_samples=n_samples)
        most = model.count_params() // (threshold * n_samples)
        assert xla.should_jit(model, most) and not xla.should_jit(model, most + 1)


def encoder(x, latent_dim):
    h = layers.GaussianNoise(0.1)(layers.Flatten()(x))
    return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)


@pytest.mark.parametrize(
    "network",
    [
        networks.Conv((2,), dense=4),
        networks.Augmented(),
        networks.FromFunctions(encoder, layers.Dense(12)),
    ],
)
def test_layers_that_xla_may_not_support_are_not_compiled(make, threshold, network):
    assert xla.should_jit(make(), 1)
    assert not xla.should_jit(make(network=network), 1)


def test_single_steps_are_the_same(trained, make, data):
    """With a callback that needs each step, and with all steps in one call."""
    together, one_by_one = make(), make()
    trained(together, batch_size=16)
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: None)
    assert trained(one_by_one, batch_size=16, callbacks=[see])
    for weight, other in zip(
        together.get_weights(), one_by_one.get_weights(), strict=True
    ):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)


def test_a_loaded_model_is_compiled_as_the_saved_one(make, threshold, tmp_path):
    make().save(tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    assert loaded.requested_jit == "auto"
    assert xla.should_jit(loaded, 16)


def test_it_learns_the_same_without_xla(make, train, monkeypatch):
    """The noise differs, the objective does not: the final losses are close."""
    ends = []
    for weights in (8, 1000):
        monkeypatch.setattr(xla, "MIN_WEIGHTS_PER_ROW", weights)
        model = make()
        ends.append(np.mean(train(model, 30, batch_size=14)["loss"][-10:]))
    assert ends[0] == pytest.approx(ends[1], rel=0.05)

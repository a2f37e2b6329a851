"""When XLA makes a training step, on TensorFlow on a CPU."""

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
def trained(make, inputs_of, train, monkeypatch):
    """A function that trains a model, and tells whether XLA made its steps."""
    monkeypatch.setattr(xla, "MIN_WEIGHTS_PER_ROW", 8)

    def trained(model=None, jit_compile="auto", **kwargs):
        model = model or make()
        model.compile(keras.optimizers.SGD(0.05), jit_compile=jit_compile)
        train(model, 1, **kwargs)
        return model.is_jitted

    return trained


def test_small_batches_are_compiled_and_large_ones_not(trained, make):
    model = make(hidden_dims=(9,))
    most = model.count_params() // xla.MIN_WEIGHTS_PER_ROW
    assert 20 < most < 69  # of 70 rows
    assert trained(model, batch_size=most)
    assert not trained(model, batch_size=most + 1)
    assert trained(model, batch_size=20, validation_split=0.5)


def test_a_network_for_mnist_is_compiled_at_20_rows_and_not_at_500():
    model = models.bernoulli.build((784,), 18, (128,))
    model.compile("adam")
    assert xla.should_jit(model, 20) and not xla.should_jit(model, 500)


def test_what_compile_says_counts(trained):
    assert not trained(jit_compile=False, batch_size=8)
    assert trained(jit_compile=True, batch_size=64)


def test_draws_of_z_count(trained, make):
    assert trained(make(n_samples=2), batch_size=16)
    assert not trained(make(n_samples=3), batch_size=16)


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
def test_layers_that_xla_may_not_have_are_not(trained, make, network):
    assert not trained(make(network=network), batch_size=8)


def test_steps_one_by_one_are_the_same(trained, make, data):
    """Whether a callback sees each step, or they are made in one call."""
    together, one_by_one = make(), make()
    trained(together, batch_size=16)
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: None)
    assert trained(one_by_one, batch_size=16, callbacks=[see])
    for weight, other in zip(
        together.get_weights(), one_by_one.get_weights(), strict=True
    ):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)


def test_a_saved_model_goes_on_as_the_one_that_was_saved(
    trained, make, train, tmp_path
):
    model = make()
    assert trained(model, batch_size=16)
    model.save(tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    assert loaded.requested_jit == "auto"
    assert train(model, 1, batch_size=16) == train(loaded, 1, batch_size=16)
    assert loaded.is_jitted


def test_it_learns_what_it_learns_without(make, train, monkeypatch):
    """Other noise, the same objective: the losses end close."""
    ends = []
    for weights in (8, 1000):
        monkeypatch.setattr(xla, "MIN_WEIGHTS_PER_ROW", weights)
        model = make()
        ends.append(np.mean(train(model, 30, batch_size=14)["loss"][-10:]))
    assert ends[0] == pytest.approx(ends[1], rel=0.05)

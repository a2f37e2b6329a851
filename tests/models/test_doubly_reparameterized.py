"""The doubly reparameterised gradient: the same on average, and with less noise."""

import keras
import numpy as np
import pytest

import models
from models.variants.beta import with_kl_weight
from models.variants.iwae import build, importance_weighted
from models.variants.serket import with_prior_message
from tests import linear_gaussian as linear


def gradients(doubly, k, kl_weight, times=40):
    """`times` estimates for one example, of 300 draws of k each: (times, weights)."""
    rng = np.random.default_rng(1)
    model, w, b, x = linear.make(rng, n_samples=k, kl_weight=kl_weight)
    linear.set_encoder(
        model, 0.3 * rng.normal(size=(2, 5)), rng.normal(size=2), np.zeros(2)
    )
    model = importance_weighted(model, doubly)
    model.compile(keras.optimizers.SGD(1.0))
    start, x, found = model.get_weights(), np.repeat(x[:1], 300, axis=0), []
    for _ in range(times):
        before = flat(model.trainable_variables)
        model.train_on_batch({"x": x})
        found.append(before - flat(model.trainable_variables))
        for variable, value in zip(model.weights, start, strict=True):
            if variable.dtype == "float32":  # and not the state of the noise
                variable.assign(value)
    return np.stack(found)


def flat(variables):
    return np.concatenate([np.ravel(variable.numpy()) for variable in variables])


@pytest.mark.parametrize("kl_weight", [1.0, 0.4])
def test_it_is_the_gradient_of_the_bound_with_less_noise(kl_weight):
    plain, doubly = (gradients(each, 20, kl_weight) for each in (False, True))
    error = np.hypot(plain.std(axis=0), doubly.std(axis=0)) / np.sqrt(len(plain))
    difference = np.abs(plain.mean(axis=0) - doubly.mean(axis=0))
    assert np.all(difference < 4.5 * error + 1e-6)
    assert np.abs(plain.mean(axis=0)).max() > 100 * error.min()  # so it says something
    encoder = slice(0, 2 * (5 * 2 + 2))
    ratio = plain[:, encoder].std(axis=0) / doubly[:, encoder].std(axis=0)
    assert np.median(ratio) > (2 if kl_weight == 1 else 1)


@pytest.mark.parametrize("change", [lambda vae: vae, with_prior_message])
def test_the_bound_is_the_same(data, inputs_of, change):
    kwargs = dict(latent_dim=2, hidden_dims=(8,), seed=0, kl_weight=0.7)
    plain = change(build((4, 3), **kwargs))
    doubly = change(build((4, 3), doubly_reparameterized=True, **kwargs))
    values = [m.predict(inputs_of(m), verbose=0)["objective"] for m in (plain, doubly)]
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_it_learns_and_goes_on_from_a_file(data, train, tmp_path):
    model = build((4, 3), 2, (8,), seed=0, doubly_reparameterized=True)
    model.compile(keras.optimizers.Adam(0.01))
    loss = train(model, 5)["loss"]
    assert loss[-1] < loss[0]
    model.save(tmp_path / "model.keras")
    assert train(models.load(tmp_path / "model.keras"), 2) == train(model, 2)


def test_rows_of_weight_zero_have_no_gradient(data):
    model = build((4, 3), 2, (8,), seed=0, doubly_reparameterized=True)
    model.compile(keras.optimizers.SGD(1.0))
    before = flat(model.trainable_variables)
    model.train_on_batch({"x": data[:8]}, np.zeros(8), np.zeros(8))
    np.testing.assert_array_equal(flat(model.trainable_variables), before)


def test_one_draw_is_refused():
    with pytest.raises(ValueError, match="a posterior of n_samples=1"):
        build((4,), 2, (4,), n_samples=1, doubly_reparameterized=True)


def test_a_capacity_is_refused():
    model = with_kl_weight(
        models.bernoulli.build((4,), 2, (4,), n_samples=3), capacity=2.0
    )
    with pytest.raises(ValueError, match="doubly_reparameterized must be False"):
        importance_weighted(model, doubly_reparameterized=True)

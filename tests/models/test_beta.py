"""The beta-VAE: what its weight and its capacity do to the KL."""

import keras
import numpy as np
import pytest

import models
from models.blocks.schedules import LinearWarmUp
from models.variants.beta import build, weigh, with_kl_weight


@pytest.fixture(scope="module")
def x():
    """Two patterns of twelve bits with noise, in [0, 1]."""
    rng = np.random.default_rng(0)
    pattern = (rng.random((2, 12)) < 0.5).astype("float32")
    return np.abs(pattern[np.arange(64) % 2] - rng.uniform(0, 0.3, (64, 12)))


def trained(model, x, epochs=60):
    model.compile(keras.optimizers.Adam(0.02))
    history = model.fit({"x": x}, epochs=epochs, batch_size=32, verbose=0).history
    return {name: np.array(values) for name, values in history.items()}


def test_a_greater_beta_costs_nats_of_the_kl(x):
    kl = [
        trained(build((12,), 2, (16,), kl_weight=beta, seed=0), x)["kl"][-10:].mean()
        for beta in (0.1, 1.0, 4.0)
    ]
    assert kl[0] > kl[1] + 0.2 and kl[1] > kl[2]


@pytest.mark.parametrize("capacity", [1.0, 4.0])
def test_the_kl_is_held_near_its_capacity(x, capacity):
    model = build((12,), 2, (16,), kl_weight=20.0, capacity=capacity, seed=0)
    kl = trained(model, x, epochs=150)["kl"][-20:].mean()
    assert kl == pytest.approx(capacity, abs=0.3)


def test_the_objective_is_burgesss(x):
    """E_q[log p(x|z)] - gamma |KL - C|, for each example."""
    plain = models.bernoulli.build((12,), 2, (16,), seed=0)
    # half of the rows lie above this capacity, and half below
    capacity = float(np.median(plain.predict({"x": x}, verbose=0)["kl"]))
    model = with_kl_weight(plain, 7.0, capacity)
    out = model.predict({"x": x}, verbose=0)
    expected = out["log_likelihood"] - 7.0 * np.abs(out["kl"] - capacity)
    np.testing.assert_allclose(out["objective"], expected, rtol=1e-5)


def test_a_capacity_that_grows_is_in_the_history_and_in_the_file(x, tmp_path):
    model = build((12,), 2, (4,), capacity=LinearWarmUp(4, 2.0), seed=0)
    history = trained(model, x, epochs=3)
    np.testing.assert_allclose(history["capacity"], [0.0, 0.5, 1.0])
    np.testing.assert_allclose(history["kl_weight"], 2.0)
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    latents = []
    for one in (model, again):
        more = one.fit({"x": x}, initial_epoch=3, epochs=6, verbose=0).history
        np.testing.assert_allclose(more["capacity"], [1.5, 2.0, 2.0])
        latents.append(one.predict({"x": x}, verbose=0)["z_mean"])
    np.testing.assert_allclose(*latents, rtol=1e-6)


def test_another_weight_keeps_the_model_and_its_weights(x):
    plain = models.vanilla.build((12,), 2, (4,), seed=0)
    weighted = with_kl_weight(plain, 3.0)
    outs = [model.predict({"x": x}, verbose=0) for model in (plain, weighted)]
    for name in ("z", "x_mean", "log_likelihood", "kl"):
        np.testing.assert_array_equal(outs[0][name], outs[1][name])
    expected = outs[0]["log_likelihood"] - 3.0 * outs[0]["kl"]
    np.testing.assert_allclose(outs[1]["objective"], expected, rtol=1e-5)


def test_it_takes_a_message_and_keeps_its_capacity(x):
    model = models.serket.with_prior_message(
        build((12,), 2, (4,), capacity=1.5, seed=0)
    )
    message = {"prior_mean": np.ones((64, 2)), "prior_precision": np.full((64, 2), 2.0)}
    out = model.predict({"x": x} | message, verbose=0)
    expected = out["log_likelihood"] - 2.0 * np.abs(out["kl"] - 1.5)
    np.testing.assert_allclose(out["objective"], expected, rtol=1e-5)


def test_the_old_name_works_with_a_warning():
    with pytest.warns(FutureWarning, match="models.beta.weigh is now"):
        weigh(models.vanilla.build((12,), 2, (4,)), 2.0)


@pytest.mark.parametrize("capacity", [-1.0, "much", float("nan")])
def test_a_capacity_that_is_none_is_refused(capacity):
    with pytest.raises(ValueError, match="capacity must be a number >= 0"):
        build((12,), capacity=capacity)

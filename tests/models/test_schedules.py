"""KL weights by epoch, and that they reach the objective and the saved file."""

import numpy as np
import pytest

import models
from models.blocks.schedules import Constant, Cyclical, LinearWarmUp, as_schedule


def values(schedule, epochs):
    return [schedule(epoch) for epoch in range(epochs)]


def test_constant():
    assert values(Constant(0.3), 3) == [0.3] * 3


def test_linear_warm_up_rises_from_start_and_stays():
    expected = np.interp(range(8), [0, 4], [0.2, 1.0])
    np.testing.assert_allclose(values(LinearWarmUp(4, start=0.2), 8), expected)


def test_cyclical_repeats_its_rise():
    expected = [0, 1, 2, 2, 0, 1, 2, 2]
    np.testing.assert_allclose(values(Cyclical(4, value=2.0), 8), expected)


@pytest.mark.parametrize(
    "schedule", [Constant(2), LinearWarmUp(3), Cyclical(5, ramp=1)]
)
def test_config_round_trip(schedule):
    again = type(schedule).from_config(schedule.get_config())
    assert values(again, 12) == values(schedule, 12)


@pytest.mark.parametrize("bad", [-1, float("nan"), "much", True, None])
def test_a_kl_weight_that_is_no_weight_is_refused(bad):
    with pytest.raises(ValueError, match="kl_weight must be a number >= 0"):
        as_schedule("kl_weight", bad)


@pytest.mark.parametrize("ramp", [0, 1.5])
def test_a_ramp_outside_its_period_is_refused(ramp):
    with pytest.raises(ValueError, match="ramp must be in"):
        Cyclical(3, ramp=ramp)


def test_the_schedule_reaches_the_loss_the_history_and_the_file(tmp_path):
    x = np.random.default_rng(0).random((32, 6), "float32")
    model = models.bernoulli.build((6,), 2, (8,), kl_weight=LinearWarmUp(4), seed=0)
    model.compile("adam")
    h = model.fit({"x": x}, epochs=3, batch_size=32, verbose=0).history
    np.testing.assert_allclose(h["kl_weight"], [0, 0.25, 0.5])
    expected = -(np.array(h["log_likelihood"]) - np.multiply(h["kl_weight"], h["kl"]))
    np.testing.assert_allclose(h["loss"], expected, rtol=1e-5)

    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    kept = again.get_layer("objective")
    assert values(kept.schedules["kl_weight"], 6) == values(LinearWarmUp(4), 6)
    assert float(kept.kl_weight.numpy()) == 0.5
    h = again.fit({"x": x}, initial_epoch=3, epochs=5, verbose=0).history
    np.testing.assert_allclose(h["kl_weight"], [0.75, 1.0])

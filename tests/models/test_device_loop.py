"""`fit` on arrays, many steps in a call, against Keras's own steps one at a time."""

import functools

import keras
import numpy as np
import pytest

import models
from models import networks
from models.training import device_loop
from models.training.batching import EpochPermutation

BACKEND = keras.backend.backend()
needs_loop = pytest.mark.skipif(BACKEND == "torch", reason="torch has no such loop")


class Steps(keras.callbacks.Callback):
    """Notes the step that each call ended with."""

    save_freq = "epoch"  # as Keras's checkpoints have it: does not ask for every step

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(batch)


class EveryStep(Steps):
    save_freq = 1


def one_at_a_time(model, inputs, epochs, steps_per_epoch=None, weight=None):
    """The mean loss of each epoch, of batches that `train_on_batch` is given."""
    seed = model.posterior.seed
    order = EpochPermutation(inputs, 16, seed, model.steps_trained, steps_per_epoch)
    batches, losses = order.batches(), []
    for _ in range(epochs):
        total, n = 0.0, 0
        for _ in range(order.steps_per_epoch):
            rows = next(batches)
            x = {name: values[rows] for name, values in inputs.items()}
            w = None if weight is None else weight[rows]
            loss = model.train_on_batch(x, w, w, return_dict=True)["loss"]
            total, n = total + loss * len(rows), n + len(rows)
        losses.append(total / n)
    return losses


def assert_same(one, two):
    for weight, other in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)


@pytest.fixture
def pair(make):
    """A function that makes a model twice, compiled with Adam."""

    def pair(name="vanilla", **kwargs):
        both = [make(name, **kwargs) for _ in range(2)]
        for model in both:
            model.compile(keras.optimizers.Adam(1e-2))
        return both

    return pair


@pytest.mark.parametrize("name", ["vanilla", "serket", "conditional"])
def test_fit_makes_the_steps_that_train_on_batch_makes(pair, inputs_of, train, name):
    """70 rows in batches of 16: the last is short."""
    fitted, stepped = pair(name)
    losses = train(fitted, epochs=3, batch_size=16)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 3)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert_same(fitted, stepped)


def test_convolutions_make_the_same_steps_too(pair, inputs_of, train):
    """On JAX they are called one by one."""
    fitted, stepped = pair(network=networks.Conv((2,), dense=4))
    losses = train(fitted, epochs=2, batch_size=16)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 2)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize("steps", [3, 7])
def test_epochs_shorter_and_longer_than_a_pass(pair, inputs_of, train, steps):
    fitted, stepped = pair()
    losses = train(fitted, epochs=4, batch_size=16, steps_per_epoch=steps)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 4, steps)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert_same(fitted, stepped)


def test_sample_weights_go_with_their_rows(pair, inputs_of, train):
    fitted, stepped = pair()
    weight = np.random.default_rng(3).random(70).astype("float32")
    losses = train(fitted, batch_size=16, sample_weight=weight)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 2, weight=weight)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@needs_loop
@pytest.mark.parametrize("most", [1, 2, 3, 64])
def test_how_many_steps_a_call_makes_changes_no_bit(make, train, monkeypatch, most):
    """Five steps an epoch in calls of one, two, three or all."""
    expected = train(make("vanilla"), epochs=3, batch_size=16)
    monkeypatch.setattr(device_loop, "MAX_STEPS_PER_CALL", most)
    steps = Steps()
    assert train(make("vanilla"), 3, batch_size=16, callbacks=[steps]) == expected
    assert len(steps.ends) == 3 * -(-5 // most)


@needs_loop
def test_a_callback_that_wants_every_step_sees_every_step(make, train):
    every, few = EveryStep(), Steps()
    expected = train(make("vanilla"), batch_size=16)
    assert train(make("vanilla"), batch_size=16, callbacks=[every, few]) == expected
    assert every.ends == few.ends == [0, 1, 2, 3, 4] * 2
    seen = []
    step = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch)
    )
    train(make("vanilla"), batch_size=16, callbacks=[step])
    assert seen == [0, 1, 2, 3, 4] * 2


def test_goes_on_after_loading_as_if_never_stopped(make, train, tmp_path):
    model, whole = make("vanilla"), make("vanilla")
    settings = {"batch_size": 16, "steps_per_epoch": 5}
    expected = train(whole, epochs=4, **settings)["loss"]
    losses = train(model, epochs=2, **settings)["loss"]
    model.save(tmp_path / "model.keras")
    again = models.load(tmp_path / "model.keras")
    assert losses + train(again, epochs=2, **settings)["loss"] == expected


@needs_loop
def test_what_compile_says_of_steps_is_kept(make, train):
    model, steps = make("vanilla"), Steps()
    expected = train(make("vanilla"), batch_size=16)
    model.compile(keras.optimizers.SGD(0.05), steps_per_execution=2)
    assert train(model, batch_size=16, callbacks=[steps]) == expected
    assert len(steps.ends) == 2 * 3
    assert model.steps_per_execution == 2


def test_rows_not_shuffled_come_in_order(pair, data, train):
    fitted, stepped = pair()
    losses = train(fitted, epochs=1, batch_size=16, shuffle=False)["loss"]
    expected = [
        stepped.train_on_batch({"x": data[first : first + 16]})
        for first in range(0, 70, 16)
    ]
    expected = np.average([e[0] for e in expected], weights=[16, 16, 16, 16, 6])
    assert losses[0] == pytest.approx(expected, rel=1e-5)


def test_training_otherwise_stays_keras_s_own(pair, data, train):
    """After and before `fit`: a generator, a single batch, an evaluation."""
    fitted, other = pair()
    for model in (fitted, other):
        if model is fitted:
            train(model, epochs=1, batch_size=16)
            model.set_weights(other.get_weights())
        batches = (({"x": data[:32]},) for _ in range(8))
        model.fit(batches, steps_per_epoch=4, epochs=2, shuffle=False, verbose=0)
        assert model.steps_per_execution == 1
    assert np.isfinite(fitted.train_on_batch({"x": data[:16]})[0])
    evaluate = functools.partial(fitted.evaluate, {"x": data}, verbose=0)
    one, two = (evaluate(batch_size=16) for _ in range(2))
    assert one == two


def test_a_callback_may_train_on_other_data_between_epochs(make, data, train):
    model, losses = make("vanilla"), []

    def other(epoch, logs):
        losses.append(model.train_on_batch({"x": 1 - data[:16]})[0])

    callback = keras.callbacks.LambdaCallback(on_epoch_end=other)
    history = train(model, epochs=3, callbacks=[callback])
    assert len(losses) == len(history["loss"]) == 3
    assert model.steps_trained() == 3 * 3 + 3


def test_training_stops_where_a_callback_says_so(make, data, train):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    assert len(train(make("vanilla"), epochs=5, callbacks=[Stop()])["loss"]) == 2


def test_compiled_metrics_are_reported(make, data, train):
    """Keras builds them when `fit` begins, from the shapes of a first batch."""
    model = make("vanilla")
    squared = keras.metrics.MeanSquaredError(name="squared")
    model.compile(keras.optimizers.SGD(0.0), metrics={"x_mean": squared})
    y = {name: data if name == "x_mean" else np.zeros(70) for name in model.output}
    reported = train(model, y=y)["x_mean_squared"]
    error = model.predict({"x": data}, verbose=0)["x_mean"] - data
    np.testing.assert_allclose(reported, np.mean(error**2), rtol=0.2)

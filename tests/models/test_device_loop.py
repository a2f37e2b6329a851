"""`fit` on arrays, many steps in a call, compared with single steps of Keras."""

import functools

import keras
import numpy as np
import pytest

from models import networks
from models.blocks.inputs import checked
from models.training import device_loop
from models.training.batching import EpochPermutation

BACKEND = keras.backend.backend()
needs_loop = pytest.mark.skipif(BACKEND == "torch", reason="torch has no such loop")


class CallEnds(keras.callbacks.Callback):
    """Records the step that each call of the train function ended with."""

    save_freq = "epoch"  # as Keras's checkpoints: does not need every step

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(batch)


class EveryStep(CallEnds):
    save_freq = 1


def one_at_a_time(model, inputs, epochs, steps_per_epoch=None, weight=None):
    """The mean loss of each epoch of `train_on_batch`."""
    order = EpochPermutation(model, inputs, 16, steps_per_epoch)
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
    """A function that makes the same model twice, compiled with Adam."""

    def pair(name="vanilla", **kwargs):
        models = [make(name, **kwargs) for _ in range(2)]
        for model in models:
            model.compile(keras.optimizers.Adam(1e-2))
        return models

    return pair


@pytest.fixture(scope="module")
def expected(make, train):
    """The history of three epochs of five steps, all five in one call."""
    return train(make("vanilla"), epochs=3, batch_size=16)


@pytest.mark.parametrize("name", ["serket", "conditional"])
def test_fit_makes_the_steps_of_train_on_batch(pair, inputs_of, train, name):
    """70 rows in batches of 16: the last is short."""
    fitted, stepped = pair(name)
    losses = train(fitted, epochs=3, batch_size=16)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 3)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert_same(fitted, stepped)


def test_convolutions_make_the_same_steps(pair, inputs_of, train):
    """On JAX each step is a call."""
    fitted, stepped = pair(network=networks.Conv((2,), dense=4))
    losses = train(fitted, epochs=2, batch_size=16)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 2)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_epochs_shorter_and_longer_than_a_pass(pair, inputs_of, train):
    fitted, stepped = pair()
    for steps in (3, 7):
        losses = train(fitted, epochs=4, batch_size=16, steps_per_epoch=steps)["loss"]
        expected = one_at_a_time(stepped, inputs_of(stepped), 4, steps)
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert_same(fitted, stepped)


def test_sample_weights_follow_their_rows(pair, inputs_of, train):
    fitted, stepped = pair()
    weight = np.random.default_rng(3).random(70).astype("float32")
    losses = train(fitted, batch_size=16, sample_weight=weight)["loss"]
    expected = one_at_a_time(stepped, inputs_of(stepped), 2, weight=weight)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_arrays_are_not_copied_when_they_are_checked(data):
    assert checked("x", data, (4, 3)) is data


@needs_loop
@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_number_of_steps_in_a_call_changes_no_bit(
    make, train, monkeypatch, expected, most
):
    monkeypatch.setattr(device_loop, "MAX_STEPS_PER_CALL", most)
    calls = CallEnds()
    assert train(make("vanilla"), 3, batch_size=16, callbacks=[calls]) == expected
    assert len(calls.ends) == 3 * -(-5 // most)


@needs_loop
def test_a_callback_that_needs_every_step_sees_every_step(make, train, expected):
    every, few = EveryStep(), CallEnds()
    assert train(make("vanilla"), 3, batch_size=16, callbacks=[every, few]) == expected
    assert every.ends == few.ends == [0, 1, 2, 3, 4] * 3


def test_which_callbacks_need_every_step():
    def hook(*_, **__):
        pass

    callbacks = keras.callbacks
    for callback in (
        callbacks.LambdaCallback(on_train_batch_end=hook),
        callbacks.LambdaCallback(on_train_batch_begin=hook),
        callbacks.ModelCheckpoint("model.keras", save_freq=10),
    ):
        assert device_loop.needs_every_step(callback)
    for callback in (
        callbacks.LambdaCallback(on_epoch_end=hook),
        callbacks.ModelCheckpoint("model.keras"),
        callbacks.EarlyStopping(),
    ):
        assert not device_loop.needs_every_step(callback)


@needs_loop
def test_steps_per_execution_of_compile_is_respected(make, train, expected):
    model, calls = make("vanilla"), CallEnds()
    model.compile(keras.optimizers.SGD(0.05), steps_per_execution=2)
    assert train(model, 3, batch_size=16, callbacks=[calls]) == expected
    assert len(calls.ends) == 3 * 3
    assert model.steps_per_execution == 2


def test_without_shuffling_the_rows_are_in_order(pair, data, train):
    fitted, stepped = pair()
    losses = train(fitted, epochs=1, batch_size=16, shuffle=False)["loss"]
    expected = [
        stepped.train_on_batch({"x": data[first : first + 16]})
        for first in range(0, 70, 16)
    ]
    expected = np.average([e[0] for e in expected], weights=[16, 16, 16, 16, 6])
    assert losses[0] == pytest.approx(expected, rel=1e-5)


def test_other_training_stays_that_of_keras(make, data, train):
    """After `fit` on arrays: a generator, a single batch, an evaluation."""
    model = make("vanilla")
    train(model, epochs=1, batch_size=16)
    batches = (({"x": data[:32]},) for _ in range(8))
    model.fit(batches, steps_per_epoch=4, epochs=2, shuffle=False, verbose=0)
    assert model.steps_per_execution == 1
    assert model.steps_trained() == 5 + 8
    assert np.isfinite(model.train_on_batch({"x": data[:16]})[0])
    evaluate = functools.partial(model.evaluate, {"x": data}, verbose=0)
    one, two = (evaluate(batch_size=16) for _ in range(2))
    assert one == two


def test_batches_may_be_placed_before_each_step(make, train, expected):
    """As on several devices: the steps and the rows stay the same."""
    sizes = []

    def place(array):
        sizes.append(len(array))
        return array

    losses = train(make("vanilla"), 3, batch_size=16, place=place)["loss"]
    np.testing.assert_allclose(losses, expected["loss"], rtol=1e-5)
    assert set(sizes) == {16, 6} and len(sizes) >= 15


def test_a_callback_may_train_on_other_data_between_epochs(make, data, train):
    model, losses = make("vanilla"), []

    def other(epoch, logs):
        losses.append(model.train_on_batch({"x": 1 - data[:16]})[0])
        model.stop_training = epoch == 2

    callback = keras.callbacks.LambdaCallback(on_epoch_end=other)
    history = train(model, epochs=5, callbacks=[callback])
    assert len(losses) == len(history["loss"]) == 3
    assert model.steps_trained() == 3 * 3 + 3


def test_compiled_metrics_are_reported(make, data, train):
    """Keras builds them when `fit` begins, from the shapes of a first batch."""
    model = make("vanilla")
    squared = keras.metrics.MeanSquaredError(name="squared")
    model.compile(keras.optimizers.SGD(0.0), metrics={"x_mean": squared})
    y = {name: data if name == "x_mean" else np.zeros(70) for name in model.output}
    reported = train(model, y=y)["x_mean_squared"]
    error = model.predict({"x": data}, verbose=0)["x_mean"] - data
    np.testing.assert_allclose(reported, np.mean(error**2), rtol=0.2)

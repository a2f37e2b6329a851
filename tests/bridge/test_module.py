"""Connections, the order of updates, backward messages, and data as a module."""

import hashlib

import numpy as np
import pytest

from serket_bridge import GMM, VAE, Gaussian, MessageLoop, Module, Observation


class Relay(Module):
    """Sends its input forward, after its first update."""

    input_message = object

    def send(self):
        (self.forward,) = self.inputs()


def data(n=6, shape=(2,)):
    return np.arange(n * np.prod(shape), dtype=float).reshape(n, *shape)


# --- Connections and order ------------------------------------------------------------


def test_a_module_that_is_not_connected_is_refused_by_name():
    with pytest.raises(RuntimeError, match=r"relay is not connected: call relay.conn"):
        Relay("relay").update()


@pytest.mark.parametrize("make", [lambda: GMM(2), lambda: VAE(2)])
def test_the_real_modules_too_must_be_connected(make):
    with pytest.raises(RuntimeError, match="is not connected"):
        make().update()


def test_an_update_before_the_module_below_is_refused_naming_both():
    lower, upper = Relay("lower"), Relay("upper")
    lower.connect(Observation(data()))
    upper.connect(lower)
    with pytest.raises(RuntimeError, match="upper was updated before lower.*lower fir"):
        upper.step()
    lower.update()
    upper.step()
    np.testing.assert_array_equal(upper.forward.mean, data())


def test_only_modules_can_be_connected():
    with pytest.raises(TypeError, match=r"wrap data in Observation.*ndarray"):
        Relay("relay").connect(data())
    with pytest.raises(TypeError, match="relay.connect needs at least one module"):
        Relay("relay").connect()


def test_a_refused_connection_leaves_the_old_one():
    relay, observation = Relay("relay"), Observation(data())
    relay.connect(observation)
    with pytest.raises(TypeError):
        relay.connect(Observation(data()), "no module")
    assert relay.parents == (observation,)


def test_inputs_come_in_the_order_of_the_connection():
    one, two = Observation(data(4), "one"), Observation(data(4, (3,)), "two")
    relay = Relay("relay")
    relay.max_parents = 2
    relay.connect(two, one)
    assert [message.dim for message in relay.inputs()] == [3, 2]


def test_a_module_without_an_update_is_no_module():
    with pytest.raises(TypeError, match="must have a method send.*SerketModule"):
        Module("nothing")


# --- Backward messages ----------------------------------------------------------------


def test_without_a_message_the_default_is_used():
    nothing = Gaussian.standard(6, 2)
    assert Relay("relay").backward_message(nothing) is nothing


def test_messages_of_several_modules_are_multiplied(send_message, rng):
    lower = Relay("lower")
    means, precisions = rng.normal(size=(3, 6, 2)), rng.gamma(2.0, size=(3, 6, 2))
    for i in range(3):
        send_message(lower, means[i], precisions[i], name=f"child {i}")
    product = lower.backward_message(Gaussian.standard(6, 2))
    total = precisions.sum(axis=0)
    np.testing.assert_allclose(product.precision, total)
    np.testing.assert_allclose(product.mean, (means * precisions).sum(axis=0) / total)


def test_a_new_message_replaces_the_last_of_the_same_sender(send_message):
    lower = Relay("lower")
    upper = send_message(lower, np.zeros((6, 2)), np.ones((6, 2)))
    upper.message = Gaussian(np.full((6, 2), 3.0), np.full((6, 2), 5.0))
    upper.step()
    product = lower.backward_message(Gaussian.standard(6, 2))
    np.testing.assert_array_equal(product.mean, 3.0)
    np.testing.assert_array_equal(product.precision, 5.0)


def test_connecting_elsewhere_removes_the_message(send_message):
    lower, other = Relay("lower"), Relay("other")
    upper = send_message(lower, np.full((6, 2), 3.0), np.ones((6, 2)))
    send_message(lower, np.full((6, 2), -1.0), np.ones((6, 2)), name="stays")
    upper.connect(other)
    product = lower.backward_message(Gaussian.standard(6, 2))
    np.testing.assert_array_equal(product.mean, -1.0)
    assert other.backward_message(product) is product


@pytest.mark.parametrize("shape", [(5, 2), (6, 3)])
def test_a_message_of_another_shape_is_refused_naming_both(send_message, shape):
    lower = Relay("lower")
    send_message(lower, np.zeros((6, 2)), np.ones((6, 2)), name="right")
    send_message(lower, np.zeros(shape), np.ones(shape), name="wrong")
    with pytest.raises(ValueError) as error:
        lower.backward_message(Gaussian.standard(6, 2))
    assert "lower expects a Gaussian of the shape (6, 2) from wrong" in str(error.value)
    assert f"Received: a Gaussian of the shape {shape}" in str(error.value)


# --- Observation ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2,), (4, 3), (4, 3, 2)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_data_are_sent_as_points_in_float32(shape, dtype):
    x = data(6, shape).astype(dtype)
    forward = Observation(x).forward
    assert forward.mean.dtype == np.float32
    np.testing.assert_array_equal(forward.mean, x.astype("float32"))
    assert forward.precision.shape == x.shape
    np.testing.assert_array_equal(forward.precision, np.inf)


def test_an_observation_keeps_a_copy_and_does_not_learn(send_message):
    x = data().astype("float32")
    observation = Observation(x)
    send_message(observation, np.zeros((6, 2)), np.ones((6, 2)))
    before = observation.forward
    ticks = []
    observation.step(lambda: ticks.append(1))
    assert observation.forward is before
    assert len(ticks) == observation.n_steps == 0
    x[:] = -1.0
    np.testing.assert_array_equal(before.mean, data())


def test_lists_are_data_too():
    np.testing.assert_array_equal(Observation([[1, 2], [3, 4]]).forward.mean[1], [3, 4])


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros(5), r"shape \(n, ...\), with n >= 1. Received: float64 .*\(5,\)"),
        (np.float64(1.0), r"Received: float64 of the shape \(\)"),
        (np.zeros((0, 2)), r"with n >= 1. Received: float64 of the shape \(0, 2\)"),
        (np.zeros((2, 0)), r"Received: float64 of the shape \(2, 0\)"),
        (np.array([["a", "b"]]), "data must be numbers .* Received: <U1"),
        (np.array([[None, 1.0]]), "data must be numbers .* Received: object"),
        (np.zeros((2, 2), complex), "data must be numbers .* Received: complex128"),
        (np.array([[1.0, np.nan]]), "finite.* 1 values"),
        (np.array([[np.inf, -np.inf]]), "finite.* 2 values"),
    ],
)
def test_observation_refuses(x, message):
    with pytest.raises(ValueError, match=message):
        Observation(x)


# --- The graph ------------------------------------------------------------------------


def chain(*names):
    modules = [Observation(data()), *map(Relay, names)]
    for lower, upper in zip(modules, modules[1:], strict=False):
        upper.connect(lower)
    return modules


def test_a_cycle_is_refused_naming_both():
    _, one, two, three = chain("one", "two", "three")
    with pytest.raises(ValueError, match="one cannot be connected to three.* cycle"):
        one.connect(three)
    assert one.parents[0].name == "obs"
    with pytest.raises(ValueError, match="two cannot be connected to two"):
        two.connect(two)


def test_messages_of_another_kind_are_refused_naming_both():
    obs, lower, upper = Observation(data()), GMM(2, name="lower"), GMM(2, name="upper")
    lower.connect(obs)
    with pytest.raises(
        ValueError, match="upper cannot .* lower: it takes Gaussian .*Cat"
    ):
        upper.connect(lower)


def test_more_modules_below_than_fit_are_refused_naming_them():
    one, two = Observation(data(), "one"), Observation(data(), "two")
    with pytest.raises(TypeError, match="gmm.connect .* at most 1,.*: one, two"):
        GMM(2).connect(one, two)
    with pytest.raises(TypeError, match="one.connect .* at most 0,.*: two"):
        one.connect(two)


def test_a_message_of_another_kind_is_refused_naming_both(send_message):
    vae = VAE(2, name="eye")
    vae.connect(Observation(np.zeros((6, 3))))
    send_message(vae, np.zeros((6, 2)), name="words")
    expected = r"eye expects a Gaussian .*\(6, 2\) from words. Received: a Categorical"
    with pytest.raises(ValueError, match=expected):
        vae.step()


def test_numbers_count_the_connected_modules_from_the_data_up():
    """Serket's numbers, whatever else the process has made."""
    for _ in range(2):
        obs, one, two = chain("one", "two")
        other, above = Observation(data(), "other"), Relay("above")
        above.max_parents = 2
        above.connect(two, other)
        folders = [m.folder for m in (obs, one, two, other, above)]
        names = ["obs", "one", "two", "other", "above"]
        assert folders == [f"module{i:03d}_{name}" for i, name in enumerate(names)]
    late = Relay("early")
    late.connect(Observation(data()))
    assert late.folder == "module001_early"


def test_a_deleted_module_sends_no_messages():
    lower = Relay("lower")
    lower.connect(Observation(data()))
    nothing = Gaussian.standard(6, 2)
    upper = Relay("upper")
    upper.connect(lower)
    upper.send_backward(lower, Gaussian.standard(6, 2))
    assert lower.backward_message(nothing) is not nothing
    assert upper.folder == "module002_upper"
    del upper
    assert lower.backward_message(nothing) is nothing
    assert len(lower.graph) == 2


# --- Small things ---------------------------------------------------------------------


def test_repr_shows_class_name_and_connections_and_no_address():
    obs, one, _ = chain("one", "two")
    assert repr(obs) == "<Observation 'obs', connected to nothing>"
    assert repr(one) == "<Relay 'one', connected to obs>"
    assert "0x" not in repr(MessageLoop([obs, one]))


def test_data_are_hashed_only_when_they_are_saved_and_once(monkeypatch):
    calls, sha256 = [], hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda: calls.append(1) or sha256())
    obs, relay = Observation(data()), Relay("relay")
    relay.connect(obs)
    loop = MessageLoop([obs, relay])
    loop.run(2, verbose=False)
    loop.recognize(data(3))
    assert not calls
    first = obs.fingerprint
    assert obs.fingerprint is first and len(calls) == 1
    obs.observe(data(3))
    assert obs.fingerprint != first and len(calls) == 2

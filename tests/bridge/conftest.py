"""What these tests share: data, modules that only send messages, and small loops."""

from types import SimpleNamespace

import numpy as np
import pytest

from serket_bridge import (
    GMM,
    VAE,
    Categorical,
    Gaussian,
    MessageLoop,
    Module,
    Observation,
    output_dir,
)
from serket_bridge.inference.em import EM


@pytest.fixture(autouse=True, scope="session")
def no_files():
    """Tests that want files set a folder of their own."""
    with output_dir(None):
        yield


@pytest.fixture(scope="session")
def blobs():
    """600 points of three Gaussians in the plane, twelve deviations apart."""
    rng = np.random.default_rng(3)
    weights = np.array([0.2, 0.3, 0.5])
    means = np.array([[-12.0, 0.0], [12.0, 4.0], [0.0, 14.0]])
    covariances = np.array(
        [[[1.0, 0.6], [0.6, 1.0]], [[0.5, 0.0], [0.0, 1.5]], [[1.0, -0.3], [-0.3, 0.4]]]
    )
    labels = rng.choice(3, 600, p=weights)
    noise = rng.standard_normal((600, 2, 1))
    z = means[labels] + (np.linalg.cholesky(covariances)[labels] @ noise)[..., 0]
    return SimpleNamespace(
        z=z, labels=labels, weights=weights, means=means, covariances=covariances
    )


@pytest.fixture(scope="session")
def overlapping():
    """200 points of three Gaussians that overlap, so that EM has something to do."""
    rng = np.random.default_rng(2)
    centres = np.array([[-1.5, 0.0], [1.5, 0.0], [0.0, 2.0]])
    return centres[rng.integers(3, size=200)] + rng.standard_normal((200, 2))


def repeated_pieces(rng, n_sequences=8, n_pieces=10, noise=0.1):
    """Sequences of pieces of three shapes in the plane, of 6 to 12 steps each.

    Returns (x (n, 2), labels (n,), first rows of pieces (m,), lengths (S,)).
    """
    x, labels, durations = [], [], rng.integers(6, 13, size=n_sequences * n_pieces)
    for d in durations:
        u, k = (np.arange(d) + 0.5) / d, rng.integers(3)
        bump, wave = np.sin(np.pi * u), np.sin(2 * np.pi * u)
        shape = ((bump, wave), (-bump, bump), (wave, -bump))[k]
        x.append(np.stack(shape, axis=1) + noise * rng.normal(size=(d, 2)))
        labels.append(np.full(d, k))
    lengths = durations.reshape(n_sequences, n_pieces).sum(axis=1)
    starts = np.cumsum(durations) - durations
    return np.concatenate(x), np.concatenate(labels), starts, lengths


class Child(Module):
    """Sends one message down, always the same."""

    input_message = object

    def __init__(self, lower, message, name="child"):
        super().__init__(name)
        self.connect(lower)
        self.message = message

    def send(self):
        self.send_backward(self.parents[0], self.message)


@pytest.fixture
def send_message():
    """A function that sends a message to a module: mean and precision, or log_prob."""

    children = []  # modules that are deleted send no messages

    def send(lower, *arrays, name="child"):
        message = (Gaussian if len(arrays) == 2 else Categorical)(*arrays)
        upper = Child(lower, message, name)
        upper.step()
        children.append(upper)
        return upper

    return send


@pytest.fixture(scope="session")
def prints():
    """120 patterns of twelve bits, noisy copies of three: (x, labels)."""
    rng = np.random.default_rng(5)
    labels = np.arange(120) % 3
    pattern = np.repeat(np.eye(3), 4, axis=1)[labels]
    return np.abs(pattern - (rng.random(pattern.shape) < 0.05)), labels


@pytest.fixture(scope="session")
def make_loop(prints):
    """A function that makes a small loop, always the same but for its arguments."""

    def make(x=prints[0], vae=(), gmm=()):
        settings = {"itr": 4, "batch_size": 50, "hidden_encoder_dim": 8, "seed": 1}
        modules = [
            Observation(x),
            VAE(2, **settings | {"learning_rate": 0.02} | dict(vae)),
            GMM(3, **{"inference": EM(n_init=2), "seed": 2} | dict(gmm)),
        ]
        for lower, upper in zip(modules, modules[1:], strict=False):
            upper.connect(lower)
        return MessageLoop(modules)

    return make


def assert_same(one, other):
    """Two loops that are the same, to the last bit."""
    timed = [
        [{k: v for k, v in r.items() if "seconds" not in k} for r in loop.rows]
        for loop in (one, other)
    ]
    assert timed[0] == timed[1]
    vaes = [loop["vae"].model.weights for loop in (one, other)]
    for a, b in zip(*vaes, strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("classes", "responsibilities"):
        arrays = [getattr(loop["gmm"], name) for loop in (one, other)]
        np.testing.assert_array_equal(*arrays)
    np.testing.assert_array_equal(one["vae"].forward.mean, other["vae"].forward.mean)


@pytest.fixture
def same():
    return assert_same


@pytest.fixture(scope="session")
def two_rounds(make_loop, tmp_path_factory):
    """(a loop after two rounds, the folder where it was saved after the first)."""
    folder = tmp_path_factory.mktemp("saved")
    loop = make_loop()
    loop.run(1, folder=folder, verbose=False)
    loop.run(1, verbose=False)
    return loop, folder

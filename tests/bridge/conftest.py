"""What these tests share: blobs of known parameters, and modules that only talk."""

from types import SimpleNamespace

import numpy as np
import pytest

from serket_bridge import Categorical, Gaussian, Module


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


class Upper(Module):
    """Sends one message down, always the same."""

    def __init__(self, lower, message, name="upper"):
        super().__init__(name)
        self.connect(lower)
        self.message = message

    def update(self, tick=lambda: None):
        self.send_down(self.lowers[0], self.message)
        tick()


@pytest.fixture
def told():
    """A function that leaves a message at a module: mean and precision, or log_prob."""

    def tell(lower, *arrays, name="upper"):
        message = (Gaussian if len(arrays) == 2 else Categorical)(*arrays)
        upper = Upper(lower, message, name)
        upper.update()
        return upper

    return tell

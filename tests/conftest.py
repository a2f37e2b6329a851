"""What the tests share: data, and where the real data lie."""

import os
from pathlib import Path

# Each worker has a core: threads within it would only wait for each other.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's digits: x (1797, 8, 8) in [0, 1], labels (1797,)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images / 16).astype("float32"), data.target


@pytest.fixture(scope="session")
def mnist_path():
    """A downloaded mnist.npz, beside the project where there is one."""
    path = SHARED / "mnist.npz"
    if not path.exists():
        pytest.skip("no mnist.npz beside the project, in ../shared/data")
    return path


@pytest.fixture
def rng():
    return np.random.default_rng(0)

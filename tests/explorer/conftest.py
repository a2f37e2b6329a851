"""Fixtures of these tests: tiny runs and their latent spaces."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from models import train
from models.cli import report
from models.runs.saved_run import SavedRun

# name -> data, and training options
RUNS = {
    "serket": ("digits.npz", "--n-components 4 --rounds 2 --latent-dim 3"),
    "strip": ("table.npy", "--n-components 4 --variant vanilla --latent-dim 1"),
    "conditional": (
        "digits.npz",
        "--n-components 4 --variant conditional --latent-dim 2",
    ),
    "flow": ("digits.npz", "--variant iaf --latent-dim 2"),  # and no classes
}
SMALL = "--epochs 3 --batch-size 50 --hidden-dims 16 --learning-rate .01".split()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """On a busy machine scikit-learn's threads mostly wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def run_of(tmp_path_factory, digits):
    """Name -> the folder of that run, trained on first use."""
    folder, rng = tmp_path_factory.mktemp("runs"), np.random.default_rng(0)
    np.savez(folder / "digits.npz", x=digits[0][:200], y=digits[1][:200])
    np.save(folder / "table.npy", rng.normal(size=(60, 5)))

    def trained(name):
        data, options = RUNS[name]
        out = folder / name
        if not out.exists():
            given = ["--data", folder / data, *SMALL, *options.split(), "--out", out]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(report, "draw_figures", lambda *_: None)
                assert train.main([*map(str, given)]) == 0
        return out

    return trained


@pytest.fixture(scope="session")
def space_of(run_of):
    """Name -> the `LatentSpace` of that run."""
    from models.explorer.space import LatentSpace

    spaces = {}

    def opened(name):
        if name not in spaces:
            spaces[name] = LatentSpace(SavedRun(run_of(name)))
        return spaces[name]

    return opened

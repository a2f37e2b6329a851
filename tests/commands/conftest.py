"""What these tests share: small finished runs, and a way to call a command on them."""

import contextlib
import io
import json
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from threadpoolctl import threadpool_limits

from models.blocks.likelihoods import Bernoulli
from models.blocks.objectives import ELBO
from models.blocks.vae import assemble
from models.networks import MLP, NetworkConfig
from tests.other_components import LaplacePrior, SinhPosterior

# name -> data, and the options that it is trained with
RUNS = {
    "digits": ("digits.npz", "--variant bernoulli --latent-dim 3 --hidden-dims 8"),
    "serket": ("table.npz", "--rounds 2 --latent-dim 2 --hidden-dims 8"),
    "conditional": (
        "digits.npz",
        "--variant conditional --learned-prior --latent-dim 2 --hidden-dims 8",
    ),
    "colour": (
        "colour.npz",
        "--variant bernoulli --latent-dim 1 --network conv --filters 4",
    ),
}
SMALL = "--epochs 2 --batch-size 50 --n-components 3 --learning-rate .01".split()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """On a busy machine scikit-learn's threads wait for each other most of the time."""
    import sklearn.cluster  # noqa: F401, so that there are thread pools to limit

    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory, digits):
    """A folder with 200 digits, three blobs of vectors, and 60 images in colour."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    kind = np.arange(60) % 3
    x = rng.normal(0, 2, (3, 6))[kind] + rng.normal(0, 0.3, (60, 6))
    np.savez(folder / "table.npz", x=x, y=np.array(["ant", "bee", "cat"])[kind])
    np.savez(folder / "colour.npz", x=rng.uniform(size=(60, 4, 6, 3)))
    np.savez(folder / "digits.npz", x=digits[0][:200], y=digits[1][:200])
    return folder


@pytest.fixture(scope="session")
def run_of(tmp_path_factory, data):
    """Name -> the folder of that run, trained when it is first asked for."""
    folder = tmp_path_factory.mktemp("runs")

    def trained(name):
        if name == "flow":
            return save_flow(folder / name, data / "digits.npz")
        source, options = RUNS[name]
        if not (folder / name).exists():
            given = [*SMALL, *options.split(), "--out", folder / name]
            result = call("train", "--data", data / source, *given)
            assert result.code == 0, result.err
        return folder / name

    return trained


def save_flow(folder, source):
    """The folder of a run with a flow and a Laplace prior, without a mixture."""
    if not folder.exists():
        folder.mkdir()
        network = NetworkConfig((8, 8), 2, (8,), "relu", 0, MLP())
        components = SinhPosterior(), LaplacePrior(), Bernoulli(), ELBO(0.5)
        vae = assemble(network, *components)
        vae.compile("sgd")
        vae.save(folder / "model.keras")
        config = {"variant": "mine", "data": str(source), "labels": None}
        config |= {"seed": 0, "batch_size": 50, "latent_dim": 2}
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def call(command, *arguments):
    """The exit code of a command, and what it wrote to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    main = import_module(f"models.{command}").main
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as stop:  # argparse's own
            code = stop.code
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


@pytest.fixture(name="call", scope="session")
def call_fixture():
    return call


@pytest.fixture
def done(run_of, tmp_path):
    """Runs a command on a run, and returns what it left: arrays, pictures, words."""

    def done(command, run, *options):
        folder = Path(tmp_path, f"{command}-{len([*tmp_path.iterdir()])}")
        result = call(command, run_of(run), *options, "--out", folder)
        assert result.code == 0 and result.err == "", result.err
        left = {path.name for path in folder.iterdir()}
        _, _, files = result.out.partition(f"Written to {folder}:\n")
        listed = [line.split()[0] for line in files.splitlines()]
        assert sorted(listed) == sorted(left)
        arrays = {}
        for path in folder.glob("*.npz"):
            with np.load(path, allow_pickle=False) as stored:
                arrays |= stored
        for path in folder.glob("*.png"):
            with Image.open(path) as picture:
                assert picture.format == "PNG" and min(picture.size) > 100
        return SimpleNamespace(folder=folder, left=left, out=result.out, **arrays)

    return done

"""What is saved by name: a user's own parts, former names, and no code from files."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import serket_bridge as srk
from serket_bridge import files
from serket_bridge.gmm import class_mean_message, collapsed_gaussian_message
from serket_bridge.inference.em import EM, GaussianMixture
from serket_bridge.inference.gaussian_mixture import FitResult
from serket_bridge.inference.gibbs import Gibbs
from serket_bridge.serialization import from_json, to_json

OLD = Path(__file__).parent / "saved_by_format_1"


@srk.register
class Mean(srk.Module):
    """A normal distribution of known variance."""

    parameter_file = "mean.npz"
    saved_arguments = ("step_size",)

    def __init__(self, step_size=0.5, name="mean", **kwargs):
        super().__init__(name, **kwargs)
        self.step_size, self.mean = step_size, np.zeros(2)

    def learn(self, progress):
        (latents,) = self.inputs()
        self.mean = self.mean + self.step_size * (latents.mean - self.mean).mean(axis=0)
        self.metrics = {"distance": float(np.abs(self.mean - 3).max())}
        progress()

    def send(self):
        self.forward = srk.Gaussian.point(
            np.tile(self.mean, (len(self.inputs()[0]), 1))
        )

    def save_parameters(self, folder):
        files.write_arrays(folder / self.parameter_file, {"mean": self.mean})

    def load_parameters(self, folder):
        self.mean = files.read_arrays(folder / self.parameter_file)["mean"]
        self.learned = True

    def state(self):
        return {"forward": self.forward}

    def set_state(self, state):
        self.forward = state["forward"]


@srk.register
def own_message(responsibilities, mixture):
    return class_mean_message(responsibilities, mixture)


@srk.register
@dataclass(frozen=True)
class FirstRows:
    """An inference that takes the first rows for the means."""

    scale: float = 1.0

    def __call__(self, z, log_prior, n_components, state, rng):
        precisions = np.stack([np.eye(z.shape[1]) / self.scale] * n_components)
        weights = np.full(n_components, 1 / n_components)
        mixture = GaussianMixture(weights, z[:n_components], precisions)
        return FitResult(mixture, 0.0, {"n": np.array(len(z))})


def test_a_module_of_ones_own_is_saved_and_continues(tmp_path):
    x = np.full((6, 2), 3.0)

    def make():
        obs, mean = srk.Observation(x), Mean(0.25)
        mean.connect(obs)
        return srk.MessageLoop([obs, mean])

    loop = make()
    loop.run(3, verbose=False, folder=tmp_path)
    np.testing.assert_allclose(loop["mean"].mean, 3 * (1 - 0.75**3))
    loaded = srk.load(tmp_path, x)
    assert type(loaded["mean"]) is Mean and loaded["mean"].step_size == 0.25
    loaded.run(1, verbose=False)
    np.testing.assert_allclose(loaded["mean"].mean, 3 * (1 - 0.75**4))
    assert loaded.rows[-1]["mean.distance"] == pytest.approx(3 * 0.75**4)


def test_an_inference_and_a_message_of_ones_own_are_saved(blobs, tmp_path):
    obs = srk.Observation(blobs.z)
    gmm = srk.GMM(3, inference=FirstRows(4.0), message=own_message)
    gmm.connect(obs)
    srk.MessageLoop([obs, gmm]).run(1, verbose=False, folder=tmp_path)
    loaded = srk.load(tmp_path)["gmm"]
    assert loaded.inference == FirstRows(4.0) and loaded.message is own_message


def test_a_class_that_is_not_registered_is_refused_before_any_work(tmp_path):
    class Other(srk.Module):
        def send(self):
            self.forward = self.inputs()[0]

    obs, other = srk.Observation(np.eye(3)), Other("other")
    other.connect(obs)
    with pytest.raises(ValueError, match="other cannot be saved.*register.* a Other"):
        srk.MessageLoop([obs, other]).run(1, verbose=False, folder=tmp_path)
    with pytest.raises(ValueError, match="needs a function with a name"):
        srk.register(lambda r, mixture: None)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "tests.unknown.Part"])
def test_loading_never_imports_or_runs_what_a_file_names(name, tmp_path):
    obs, mean = srk.Observation(np.eye(2)), Mean()
    mean.connect(obs)
    srk.MessageLoop([obs, mean]).run(1, verbose=False, folder=tmp_path)
    (path,) = tmp_path.glob("*/*_mean/module.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": name}))
    with pytest.raises(ValueError, match=f"{name} is not registered"):
        srk.load(tmp_path)
    with pytest.raises(ValueError, match=f"{name} is not registered"):
        from_json({"name": name, "settings": {}})


def test_a_number_of_numpy_can_be_saved(tmp_path):
    files.write_json(tmp_path / "rate.json", to_json("rate", np.float32(0.5)))
    assert from_json(files.read_json(tmp_path / "rate.json")) == 0.5


@pytest.mark.parametrize("part", [EM(n_init=3), Gibbs(7), collapsed_gaussian_message])
def test_json_and_back(part):
    value = to_json("part", part)
    assert value["name"] == f"{getattr(part, '__module__', '')}." + getattr(
        part, "__name__", type(part).__name__
    )
    assert from_json(json.loads(json.dumps(value))) == part


# --- Earlier versions -----------------------------------------------------------------


@pytest.fixture
def old(tmp_path):
    """A copy of a loop after two rounds, and what its recognition gave."""
    shutil.copytree(OLD / "soft", tmp_path / "soft")
    return tmp_path / "soft", np.load(OLD / "expected.npz")


def old_loop(make_loop):
    """The loop that was saved in `old`."""
    inference = EM(n_init=2, rows=2048)
    gmm = {"inference": inference, "message": collapsed_gaussian_message}
    return make_loop(vae={"message": srk.vae.moments}, gmm=gmm)


def test_a_loop_of_format_1_is_loaded(old, prints):
    folder, expected = old
    loop = srk.load(folder, prints[0])
    assert loop["gmm"].message is collapsed_gaussian_message
    assert loop["gmm"].inference == EM(n_init=2)
    assert {"vae.loss", "gmm.bound", "vae.seconds", "elbo"} <= set(loop.rows[0])
    assert not {"loss", "bound", "seconds_vae"} & set(loop.rows[0])
    z_mean, _ = loop["vae"].model.encode(prints[0][:30])
    found = loop["gmm"].mixture.responsibilities(z_mean.astype(float))
    np.testing.assert_allclose(found, expected["responsibilities"], rtol=1e-4)


def test_a_loop_of_format_1_is_resumed(old, make_loop, prints):
    folder, expected = old
    loop = old_loop(make_loop)
    (row,) = loop.run(3, prints[1], folder=folder, verbose=False)
    assert row["vae.loss"] == pytest.approx(float(expected["loss"]), rel=1e-4)
    assert json.loads((folder / "loop.json").read_text())["format"] == 2


def test_former_names_warn():
    with pytest.warns(FutureWarning, match="serket_bridge.gmm.soft is now collapsed"):
        assert srk.gmm.soft is collapsed_gaussian_message
    with pytest.warns(FutureWarning, match="hard is now class_mean_message"):
        assert srk.gmm.hard is class_mean_message
    with pytest.warns(FutureWarning, match=r"EM\(short=\) is now short_iter="):
        assert EM(short=3) == EM(short_iter=3)
    with pytest.warns(FutureWarning, match="Chunked is now EM"):
        assert srk.inference.em.Chunked is EM
    with pytest.raises(AttributeError, match="has no attribute 'medium'"):
        srk.gmm.medium  # noqa: B018

"""A loop on data on disk: only x stays there, and results are those in memory."""

import numpy as np
import pytest

from serket_bridge import GMM, VAE, MessageLoop, Observation, load, observation
from serket_bridge.gmm import collapsed_gaussian_message
from serket_bridge.inference.em import EM


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Data are read in eight parts."""
    monkeypatch.setattr(observation, "CHUNK", 240)


@pytest.fixture(scope="module")
def x():
    """Two patterns with noise, (300, 6)."""
    rng = np.random.default_rng(0)
    patterns = (rng.random((2, 6)) < 0.5).astype(np.float32)
    noise = rng.uniform(0, 0.2, (300, 6)).astype(np.float32)
    return np.abs(patterns[np.arange(300) % 2] - noise)


@pytest.fixture
def on_disk(tmp_path):
    """A function that saves an array, and returns the memory map."""

    def save(array):
        np.save(tmp_path / "data.npy", array)
        return np.load(tmp_path / "data.npy", mmap_mode="r")

    return save


def make(data):
    obs = Observation(data)
    vae = VAE(2, itr=2, hidden_encoder_dim=8, batch_size=50, seed=1)
    em = EM(n_init=2, init_subsample=100)
    gmm = GMM(2, inference=em, message=collapsed_gaussian_message, seed=2)
    vae.connect(obs)
    gmm.connect(vae)
    return MessageLoop([obs, vae, gmm])


def test_messages_are_those_of_the_same_data_in_memory(x, on_disk):
    loop = make(x)
    loop.run(2, verbose=False)
    one, two = (loop.recognize(data) for data in (x, on_disk(x)))
    assert isinstance(two["obs"].forward.mean, np.memmap)
    for name, get in {
        "posterior": lambda loop: loop["vae"].posterior.mean,
        "its precision": lambda loop: loop["vae"].posterior.precision,
        "forward": lambda loop: loop["vae"].forward.mean,
        "x_hat": lambda loop: loop["vae"].x_hat,
        "classes": lambda loop: loop["gmm"].forward.log_prob,
        "responsibilities": lambda loop: loop["gmm"].responsibilities,
        "prior": lambda loop: loop["gmm"].prior.mean,
    }.items():
        assert type(get(two)) is np.ndarray, name
        np.testing.assert_allclose(
            get(two), get(one), rtol=1e-4, atol=1e-4, err_msg=name
        )
    np.testing.assert_array_equal(one.classes, two.classes)
    for name in ("vae", "gmm"):
        assert two[name].evidence() == pytest.approx(one[name].evidence(), abs=1e-4)


def test_a_saved_run_continues_and_its_rows_are_finite(x, on_disk, tmp_path):
    data = on_disk(x)
    whole, begun, resumed = (make(data) for _ in range(3))
    rows = whole.run(2, np.arange(300) % 2, verbose=False, folder=tmp_path / "whole")
    assert np.isfinite([row["elbo"] for row in rows]).all()
    begun.run(1, verbose=False, folder=tmp_path / "killed")
    resumed.run(2, verbose=False, folder=tmp_path / "killed")
    np.testing.assert_array_equal(whole.classes, resumed.classes)
    weights = (loop["vae"].model.get_weights() for loop in (whole, resumed))
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)
    assert load(tmp_path / "whole").recognize(x)["gmm"].classes.shape == (300,)


def test_a_mixture_of_data_on_disk_is_that_of_the_data_in_memory(x, on_disk):
    bounds = []
    for data in (x, on_disk(x)):
        obs, gmm = Observation(data), GMM(2, inference=EM(n_init=2), seed=0)
        gmm.connect(obs)
        (row,) = MessageLoop([obs, gmm]).run(1, verbose=False)
        bounds.append((row["gmm.bound"], row["elbo"]))
    assert bounds[0] == bounds[1]


def test_the_fingerprint_is_that_of_the_data_in_memory(x, on_disk):
    assert Observation(x).fingerprint == Observation(on_disk(x)).fingerprint


def test_values_that_are_not_finite_are_refused(x, on_disk):
    bad = x.copy()
    bad[7, 3] = np.nan
    with pytest.raises(ValueError, match="data must be finite numbers"):
        Observation(on_disk(bad))


def test_rows_of_models_stay_on_disk(x, on_disk):
    rows = pytest.importorskip("models.blocks.ondisk_array").from_memmap(on_disk(x))
    obs = Observation(rows)
    assert obs.forward.mean is rows
    assert obs.fingerprint == Observation(x).fingerprint

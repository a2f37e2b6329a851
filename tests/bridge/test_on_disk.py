"""A loop on data on disk: the messages of one in memory, read and written in parts."""

import gc
import tempfile
from functools import partial

import numpy as np
import pytest
from scipy.special import logsumexp

from models.blocks.ondisk_array import Rows, slices
from models.blocks.temporary_array import TemporaryRows
from serket_bridge import (
    GMM,
    VAE,
    Categorical,
    Gaussian,
    MessageLoop,
    Observation,
    load,
    partwise,
)
from serket_bridge.gmm import soft
from serket_bridge.inference.em import EM


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    """Seven or so parts, in files of the test's own folder."""
    monkeypatch.setattr(partwise, "slices", partial(slices, size=1000))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def x():
    """Two patterns with noise, (300, 6)."""
    rng = np.random.default_rng(0)
    patterns = (rng.random((2, 6)) < 0.5).astype(np.float32)
    noise = rng.uniform(0, 0.2, (300, 6)).astype(np.float32)
    return np.abs(patterns[np.arange(300) % 2] - noise)


@pytest.fixture
def on_disk(tmp_path):
    """A function that saves an array, and gives the memory map."""

    def save(array):
        np.save(tmp_path / "data.npy", array)
        return np.load(tmp_path / "data.npy", mmap_mode="r")

    return save


def make(data, **kwargs):
    obs = Observation(data)
    vae = VAE(
        2, itr=2, hidden_encoder_dim=8, hidden_decoder_dim=8, batch_size=50, seed=1
    )
    settings = {"inference": EM(n_init=2, start_rows=100), "message": soft, "seed": 2}
    gmm = GMM(2, **settings | kwargs)
    vae.connect(obs)
    gmm.connect(vae)
    return MessageLoop([obs, vae, gmm])


def held():
    """How many arrays of messages there are on disk."""
    gc.collect()
    return sum(type(one) is TemporaryRows for one in gc.get_objects())


def test_all_messages_are_those_of_the_same_data_in_memory(x, on_disk):
    loop = make(x)
    loop.run(2, verbose=False)
    one, two = (loop.recognize(data) for data in (x, on_disk(x)))
    assert isinstance(two["vae"].posterior.mean, Rows)
    for name, of in {
        "q": lambda loop: loop["vae"].posterior.mean,
        "its precision": lambda loop: loop["vae"].posterior.precision,
        "up": lambda loop: loop["vae"].forward.mean,
        "x_hat": lambda loop: loop["vae"].x_hat,
        "class": lambda loop: loop["gmm"].forward.log_prob,
        "responsibilities": lambda loop: loop["gmm"].responsibilities,
        "prior": lambda loop: loop["gmm"].prior.mean,
        "and its precision": lambda loop: loop["gmm"].prior.precision,
    }.items():
        array, rows = of(one), of(two)
        assert isinstance(rows, Rows) and rows.shape == array.shape, name
        np.testing.assert_allclose(rows[:], array, rtol=1e-4, atol=1e-4, err_msg=name)
    np.testing.assert_array_equal(one.classes, two.classes)
    for name in ("vae", "gmm"):
        assert two[name].evidence() == pytest.approx(one[name].evidence(), abs=1e-4)


def test_a_loop_learns_from_disk_and_leaves_no_files(x, on_disk, tmp_path):
    before, loop = held(), make(on_disk(x))
    rows = loop.run(3, labels=np.arange(300) % 2, verbose=False)
    assert np.isfinite([row["elbo"] for row in rows]).all()
    assert loop["vae"].epochs_trained == 6
    assert held() == before + 7  # one for each array of a message that counts
    del loop
    assert held() == before


def test_it_is_saved_and_goes_on(x, on_disk, tmp_path):
    data = on_disk(x)
    whole, begun = make(data), make(data)
    whole.run(2, verbose=False, folder=tmp_path / "whole")
    begun.run(1, verbose=False, folder=tmp_path / "killed")
    resumed = make(data)
    resumed.run(2, verbose=False, folder=tmp_path / "killed")
    np.testing.assert_array_equal(whole.classes, resumed.classes)
    for one, two in zip(
        whole["vae"].model.get_weights(),
        resumed["vae"].model.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)
    assert load(tmp_path / "whole").recognize(x)["gmm"].classes.shape == (300,)


def test_the_identity_is_that_of_the_data_in_memory(x, on_disk):
    assert Observation(x).identity == Observation(on_disk(x)).identity


def test_what_is_not_finite_is_refused(x, on_disk):
    bad = x.copy()
    bad[7, 3] = np.nan
    with pytest.raises(ValueError, match="data must be finite numbers"):
        Observation(on_disk(bad))


def test_a_draw_is_that_of_the_same_message_in_memory(rng):
    mean, precision = rng.normal(size=(300, 2)), rng.gamma(2.0, size=(300, 2))
    memory = Gaussian(mean.astype("f4"), precision.astype("f4"))
    columns = (
        (memory.mean[i : i + 70], memory.precision[i : i + 70])
        for i in range(0, 300, 70)
    )
    disk = Gaussian(*partwise.kept(columns, True))
    draws = [q.sample(np.random.default_rng(5)) for q in (memory, disk)]
    np.testing.assert_allclose(draws[1][:], draws[0], rtol=1e-6, atol=1e-6)


def test_nothing_said_is_uniform():
    uniform = Categorical.nothing_said(10**9, 4)  # in no memory
    assert len(uniform) == 10**9 and uniform.dim == 4
    assert logsumexp(uniform.part(slice(0, 3)).log_prob, axis=1) == pytest.approx(0.0)

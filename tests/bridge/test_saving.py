"""Saving, loading and resuming: killed anywhere, a run resumes to the same numbers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from keras import layers

import models
import serket_bridge as srk
from models import networks
from serket_bridge import saving, serialization
from serket_bridge.gmm import collapsed_gaussian_message
from serket_bridge.inference.em import Variational
from serket_bridge.inference.gibbs import Gibbs
from serket_bridge.inference.graph_em import GraphEM
from serket_bridge.inference.neighbor_graph import NeighborGraph

ROOT = Path(__file__).resolve().parents[2]
QUIET = {"verbose": False}


# --- Resuming -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vae, gmm",
    [
        ({}, {}),
        ({"warm_start": False}, {"message": collapsed_gaussian_message}),
        ({"message": srk.vae.moments, "batch_size": None}, {"inference": Gibbs(5, 2)}),
        ({"KL_param": 0.5}, {"inference": Variational(2)}),
        ({"message": srk.vae.moments}, {"inference": GraphEM()}),
        ({}, {"inference": GraphEM(init_subsample=60)}),
        ({"message": srk.vae.moments}, {"inference": NeighborGraph(neighbors=5)}),
    ],
    ids=["default", "fresh", "gibbs", "variational", "graph", "sample", "classes"],
)
def test_a_resumed_run_is_the_run_that_was_never_stopped(
    make_loop, same, tmp_path, vae, gmm
):
    whole, first, second = (make_loop(vae=vae, gmm=gmm) for _ in range(3))
    whole.run(2, **QUIET)
    first.run(1, folder=tmp_path, **QUIET)
    rows = second.run(2, folder=tmp_path, **QUIET)
    assert [row["round"] for row in rows] == [2]
    same(whole, second)


def test_a_finished_run_is_only_read(make_loop, same, two_rounds):
    _, folder = two_rounds
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    whole, loop = make_loop(), make_loop()
    whole.run(1, **QUIET)
    assert loop.run(1, folder=folder, **QUIET) == []
    same(whole, loop)
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_second_call_counts_the_rounds_before_it(make_loop, tmp_path):
    loop = make_loop()
    loop.run(1, **QUIET)
    loop.run(2, folder=tmp_path, **QUIET)
    assert [row["round"] for row in loop.run(3, folder=tmp_path, **QUIET)] == [3]
    assert len(loop["vae"].history["loss"]) == 3 * 4


def test_a_notebooks_cell_runs_again(prints, tmp_path):
    """Though Keras then numbers the layers of the user's functions on."""

    def encoder(x, latent_dim):
        h = layers.Flatten()(x)
        return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)

    def cell(width=None):
        x = prints[0][:, :width]
        decoder = layers.Dense(x.shape[1])
        network = networks.FromFunctions(encoder, lambda z: decoder(z))
        model = models.bernoulli.build(x.shape[1:], 2, network=network)
        obs, vae = srk.Observation(x), srk.VAE(model=model, itr=1, seed=0)
        vae.connect(obs)
        loop = srk.MessageLoop([obs, vae])
        loop.run(2, folder=tmp_path, **QUIET)
        return loop

    assert cell().rows == cell().rows
    with pytest.raises(ValueError, match="another fingerprint"):
        cell(width=-1)


# --- Killed ---------------------------------------------------------------------------


class Killed(BaseException):
    """Nothing after it runs, as after kill -9."""


def killed_at(monkeypatch, number):
    """The process ends as it replaces its `number`-th file or folder."""
    replace, count = os.replace, []

    def dies(*paths):
        count.append(1)
        if len(count) == number:
            raise Killed
        return replace(*paths)

    monkeypatch.setattr(os, "replace", dies)
    # what a killed process cannot clean up
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)


@pytest.mark.parametrize("number", range(1, 12))
def test_killed_while_it_saves(make_loop, tmp_path_factory, two_rounds, number):
    """At every file and folder of the second round's; eleven is after the last."""
    loop, saved = two_rounds
    folder = tmp_path_factory.mktemp("killed") / "run"
    shutil.copytree(saved, folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        killed_at(monkeypatch, number)
        try:
            saving.save_loop(loop, folder)
        except Killed:
            assert number <= 10
        else:
            assert number == 11
    whole = srk.load(folder)
    assert len(whole.rows) == (1 if number <= 10 else 2)
    assert whole.rows == loop.rows[: len(whole.rows)]
    saving.save_loop(loop, folder)  # as the resumed run will do
    assert srk.load(folder).rows == loop.rows
    assert {path.name for path in folder.iterdir()} == {"loop.json", "round-002"}


RUN = """
import sys
import keras
import numpy as np
import serket_bridge as srk
show = lambda epoch, logs: print("epoch", epoch, file=sys.stderr, flush=True)
callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=show)]
obs = srk.Observation(np.load(sys.argv[1]))
vae = srk.VAE(2, itr=30, batch_size=50, seed=1, callbacks=callbacks)
gmm = srk.GMM(3, seed=2)
vae.connect(obs)
gmm.connect(vae)
srk.MessageLoop([obs, vae, gmm]).run(3, folder=sys.argv[2])
"""


@pytest.mark.slow
def test_killed_for_real(prints, same, tmp_path):
    np.save(tmp_path / "x.npy", prints[0])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def start(folder, **kwargs):
        command = [sys.executable, "-c", RUN, tmp_path / "x.npy", folder]
        return subprocess.Popen(command, env=environment, **kwargs)

    assert start(tmp_path / "whole").wait(timeout=300) == 0
    with (tmp_path / "err").open("w") as err:
        process = start(tmp_path / "killed", stderr=err)
        while "epoch 32" not in (tmp_path / "err").read_text():  # in the second round
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (
        json.loads((tmp_path / "killed/loop.json").read_text())["round"] < "round-003"
    )
    assert start(tmp_path / "killed").wait(timeout=300) == 0
    same(*(srk.load(tmp_path / name, prints[0]) for name in ("whole", "killed")))


# --- Loading, and what is stored ------------------------------------------------------


def test_a_loaded_loop_continues(two_rounds, same, prints):
    whole, folder = two_rounds
    loaded = srk.load(folder, prints[0])
    assert [m.name for m in loaded.modules] == ["obs", "vae", "gmm"]
    loaded.run(1, **QUIET)
    same(whole, loaded)


def test_arrays_and_messages_survive(rng):
    tree = {
        "above": {
            "module002_gmm": srk.Gaussian(rng.normal(size=(4, 2)), np.ones((4, 2))),
            "module003_mlda": srk.Categorical(rng.normal(size=(4, 3))),
        },
        "forward": srk.Gaussian.point(rng.normal(size=(4, 2))),
        "history": {"loss": np.arange(3.0)},
        "nothing": None,
    }
    back = serialization.unflatten(serialization.flatten(tree))
    for name, message in tree["above"].items():
        for key, value in vars(message).items():
            np.testing.assert_array_equal(getattr(back["above"][name], key), value)
    np.testing.assert_array_equal(back["forward"].mean, tree["forward"].mean)
    assert np.isinf(back["forward"].precision).all()
    np.testing.assert_array_equal(back["history"]["loss"], np.arange(3.0))
    assert "nothing" not in back


def test_files_hold_no_pickle(two_rounds):
    files = [path for path in two_rounds[1].rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".keras", ".npz"}
    for path in files:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(array.dtype != object for array in arrays.values())

"""Saving and resuming: killed anywhere, a run is resumed to the same numbers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
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

ROOT = Path(__file__).resolve().parents[2]
QUIET = {"verbose": False}


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
    ],
    ids=["default", "fresh", "gibbs", "variational", "graph", "graph of a sample"],
)
def test_a_resumed_run_is_the_run_that_was_never_stopped(
    make_loop, same, tmp_path, vae, gmm
):
    whole, first, second = (make_loop(vae=vae, gmm=gmm) for _ in range(3))
    whole.run(2, **QUIET)
    first.run(1, folder=tmp_path, **QUIET)
    rows = second.run(2, folder=tmp_path, **QUIET)
    assert [row["round"] for row in rows] == [row["round"] for row in whole.rows[1:]]
    same(whole, second)


def test_a_finished_run_is_only_read(make_loop, same, two_rounds, prints):
    _, folder = two_rounds
    loop = make_loop()
    assert loop.run(1, folder=folder, **QUIET) == []
    same(loop, srk.load(folder, prints[0]))


def test_a_loop_that_has_run_is_not_overwritten(make_loop, two_rounds):
    other = make_loop(gmm={"seed": 9})
    other.run(1, **QUIET)
    with pytest.raises(ValueError, match="holds other rounds than this loop has run"):
        other.run(3, folder=two_rounds[1], **QUIET)
    assert len(other.rows) == 1


def test_a_second_call_counts_the_rounds_before_it(make_loop, tmp_path):
    loop = make_loop()
    loop.run(1, **QUIET)
    loop.run(2, folder=tmp_path, **QUIET)
    assert [row["round"] for row in loop.run(3, folder=tmp_path, **QUIET)] == [3]
    assert len(loop["vae"].history["loss"]) == 3 * 4


def test_messages_of_other_modules_cannot_be_saved(
    make_loop, send_message, tmp_path, rng
):
    prior = np.log(rng.dirichlet(np.ones(3), 120))
    loop = make_loop()
    send_message(loop["gmm"], prior)
    with pytest.raises(
        ValueError, match="child"
    ):  # whose message could not be restored
        loop.run(1, folder=tmp_path, **QUIET)


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


@pytest.fixture(scope="module")
def two_rounds(make_loop, tmp_path_factory):
    """(a loop after two rounds, the folder where it was saved after the first)."""
    folder = tmp_path_factory.mktemp("saved")
    loop = make_loop()
    loop.run(1, folder=folder, **QUIET)
    loop.run(1, **QUIET)
    return loop, folder


def test_what_the_user_has_in_the_folder_stays(two_rounds, tmp_path):
    """Only rounds of this loop are removed: no others, no files and no links."""
    loop, saved = two_rounds
    folder, mine = tmp_path / "run", ["round-000", "round-best", "round-1", "round-007"]
    shutil.copytree(saved, folder)
    for name in mine[:2]:
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text("mine")
    (folder / mine[2]).write_text("mine")
    (folder / mine[3]).symlink_to(tmp_path)
    saving.save_loop(loop, folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {*mine, "loop.json", "round-002"}
    assert all((folder / name / "notes.txt").exists() for name in mine[:2])


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_a_name_that_a_round_needs_is_refused_before_any_work(
    make_loop, tmp_path, kind
):
    path, loop = tmp_path / "round-002", make_loop()
    if kind == "folder":
        (path / "module000_obs").mkdir(parents=True)
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="round-002 is no round of this loop"):
        loop.run(2, folder=tmp_path, **QUIET)
    assert not loop.rows and [*tmp_path.iterdir()] == [path]


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


# --- Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        ({"vae": {"itr": 5}}, "vae has another config: itr is 4 there, 5 here"),
        ({"vae": {"message": srk.vae.mean}}, "message is .*sample.* there, .*mean"),
        (
            {"gmm": {"message": collapsed_gaussian_message}},
            "gmm has another config: message",
        ),
        ({"gmm": {"name": "mixture"}}, "gmm has another|module002_mixture"),
        (
            {"vae": {"hidden_encoder_dim": 9}},
            "fingerprint: hidden_encoder_dim is 8 there",
        ),
        ({"x": "other"}, "obs has another fingerprint: sha256 is"),
    ],
)
def test_another_loop_is_refused_and_nothing_lost(
    make_loop, prints, two_rounds, change, message
):
    folder = two_rounds[1]
    before = (folder / "loop.json").read_text()
    if change.get("x") == "other":
        change = {"x": 1 - prints[0]}
    with pytest.raises(ValueError, match=message):
        make_loop(**change).run(2, folder=folder, **QUIET)
    assert (folder / "loop.json").read_text() == before


def test_what_cannot_be_saved_is_refused_before_any_work(make_loop, tmp_path):
    loop = make_loop(
        gmm={"message": lambda r, mixture: collapsed_gaussian_message(r, mixture)}
    )
    with pytest.raises(
        ValueError, match="gmm cannot be saved.*register.* message=<func"
    ):
        loop.run(1, folder=tmp_path, **QUIET)
    assert not loop.rows


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda folder: (folder / "loop.json").write_text("{"), "loop.json cannot be"),
        (
            lambda folder: (folder / "loop.json").write_text('{"format": 9}'),
            "format 1 or 2",
        ),
        (
            lambda f: next(f.glob("*/*_gmm/model.npz")).write_bytes(b"PK\3\4"),
            "model.npz cannot be read",
        ),
        (
            lambda f: next(f.glob("*/*_vae/model.keras")).write_bytes(b"PK\3\4"),
            "model.keras: no model could be loaded",
        ),
        (lambda f: shutil.rmtree(f / "round-001"), "no module was saved there"),
        (lambda f: (f / "loop.json").write_text("[]"), "loop.json cannot be read"),
        (
            lambda f: (f / "loop.json").write_text('{"format": 2, "rows": 1}'),
            "loop.json cannot be read",
        ),
        (lambda f: rename_key(f, "fingerprint"), "gmm cannot be read.*'fingerprint'"),
        (lambda f: rename_key(f, "inference"), "gmm cannot be read.*damaged"),
        (
            lambda f: damage_stream(f),
            "model.npz cannot be read: Error -3 while decompressing",
        ),
    ],
)
def test_damaged_folders_are_refused(two_rounds, tmp_path, damage, message):
    shutil.copytree(two_rounds[1], tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(ValueError, match=message):
        srk.load(tmp_path / "run")


def rename_key(folder, key):
    path = next(folder.glob("*/*_gmm/module.json"))
    path.write_text(path.read_text().replace(f'"{key}"', '"other"'))


def damage_stream(folder):
    """Flips the bits of the first compressed byte of every array."""
    path = next(folder.glob("*/*_gmm/model.npz"))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for each in archive.infolist():
            name, extra = (content[each.header_offset + k] for k in (26, 28))
            content[each.header_offset + 30 + name + extra] ^= 0xFF
    path.write_bytes(content)


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


def test_a_folder_without_a_loop_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no module was saved there"):
        srk.load(tmp_path)


# --- Loading --------------------------------------------------------------------------


def test_a_loaded_loop_continues(two_rounds, same, prints):
    whole, folder = two_rounds
    loaded = srk.load(folder, prints[0])
    assert [m.name for m in loaded.modules] == ["obs", "vae", "gmm"]
    loaded.run(1, **QUIET)
    same(whole, loaded)


def test_a_loop_loaded_without_data_is_refused(two_rounds):
    with pytest.raises(RuntimeError, match="obs has no data"):
        srk.load(two_rounds[1]).run(1, **QUIET)


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
    for path in two_rounds[1].rglob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(array.dtype != object for array in arrays.values())
    assert not list(two_rounds[1].rglob("*.pickle"))

"""Checkpoints: a killed run resumes to the result of an uninterrupted one."""

import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import models
from models.cli import report
from models.networks import FromFunctions
from models.runs import run_folder
from models.runs.checkpoint import Checkpoint, fit, remaining_fits
from models.training import device_loop


class Killed(BaseException):
    """Takes the place of kill -9: nothing catches it."""


def assert_same(one, other):
    """Two models have the same weights, bit for bit."""
    np.testing.assert_equal(one.get_weights(), other.get_weights())


# --- --checkpoint and --resume --------------------------------------------------------


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Commands write into a temporary folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small():
    """Options for a fast training on the blobs: four steps per epoch."""
    words = "--batch-size 15 --hidden-dims 8 --latent-dim 3 --n-components 3"
    return words.split()


@pytest.fixture
def killed(light, monkeypatch):
    """A function that runs the command and kills it at call `last` of a method."""

    def killed(method, *arguments, last=3, **where):
        original, calls = getattr(*method), []

        def dies(self, *given):
            calls.append(given)
            if len(calls) == last:
                raise Killed
            return original(self, *given)

        with monkeypatch.context() as patch:
            patch.setattr(*method, dies)
            with pytest.raises(Killed):
                light("--checkpoint", *arguments, **where)

    return killed


@pytest.fixture
def check_end(run, read):
    """Checks that a stopped run, resumed, has the files of the uninterrupted one."""

    def check_end(whole, stopped):
        result = run("--resume", stopped)
        assert result.code == 0, result.err
        assert read.names(stopped) == read.names(whole)
        for name in ("history.csv", "config.json"):
            assert (stopped / name).read_text() == (whole / name).read_text()
        np.testing.assert_equal(read.arrays(stopped), read.arrays(whole))
        assert_same(*(models.load(f / "model.keras") for f in (stopped, whole)))

    return check_end


EPOCH, FILE = (Checkpoint, "on_epoch_end"), (Checkpoint, "save")


@pytest.mark.parametrize(
    "options, moment",
    [
        ("--variant beta --kl-weight linear:4:2 --epochs 5", EPOCH),
        ("--variant conditional --learned-prior --optimizer rmsprop --epochs 5", FILE),
        ("--variant vanilla --steps 21 --steps-per-epoch 3 --mixed-precision", FILE),
    ],
)
def test_a_stopped_run_ends_as_an_uninterrupted_one(
    light, killed, check_end, read, tmp_path, options, moment
):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert light(*options.split(), out=whole).code == 0
    killed(moment, *options.split(), out=stopped)
    assert read.names(stopped) == {"config.json", "history.csv", "checkpoint.keras"}
    check_end(whole, stopped)


@pytest.mark.parametrize(
    "options, name, steps",
    [
        ("--variant beta --kl-weight linear:2:2 --epochs 2", "table.npz", 3),
        ("--variant vanilla --steps 21 --steps-per-epoch 3", "table.npz", 8),
        ("--variant vanilla --stream --epochs 3", "unlabelled.npy", 7),
    ],
)
def test_a_run_stopped_within_an_epoch_resumes_within_it(
    light, killed, check_end, monkeypatch, tmp_path, options, name, steps
):
    """Each step is saved, and the saving after these steps never comes."""
    monkeypatch.setattr(device_loop, "MAX_STEPS_PER_CALL", 1)
    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (0,))
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert light(*options.split(), out=whole, name=name).code == 0
    killed(FILE, *options.split(), out=stopped, name=name, last=steps + 1)
    assert models.load(stopped / "checkpoint.keras").steps_trained() == steps
    check_end(whole, stopped)


def test_a_run_stopped_by_ctrl_c_resumes(run, light, read, monkeypatch):
    def presses(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    save = Checkpoint.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", presses)
        result = light("--variant", "vanilla", "--epochs", "4", "--checkpoint")
    assert result.code == 130 and "checkpoint.keras" in result.out
    assert run("--resume", result.folder).code == 0
    assert len(read.rows(result.folder / "history.csv")) == 4
    assert "checkpoint.keras" not in read.names(result.folder)


@pytest.mark.parametrize("where", ["write", "write_rounds", "draw_figures"])
def test_a_run_killed_after_its_last_epoch_resumes(
    run, light, monkeypatch, read, where
):
    def dies(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(report, where, dies)
        light("--variant", "vanilla", "--epochs", "2", "--checkpoint", out="run")
    assert run("--resume", "run").code == 0
    assert {"latents.npz", "metrics.json"} <= read.names(Path("run"))
    assert "checkpoint.keras" not in read.names(Path("run"))
    assert len(read.rows(Path("run/history.csv"))) == 2


@pytest.mark.parametrize("change", ["rows", "a value", "a label", "on disk"])
def test_a_run_of_other_data_is_refused(run, killed, data, monkeypatch, change):
    """They would be trained on as if nothing had happened."""
    is_on_disk = change == "on disk"
    name = "unlabelled.npy" if is_on_disk else "table.npz"
    more = ["--stream"] if is_on_disk else []
    shutil.copy(data / name, name)
    options = ["--data", name, "--variant", "vanilla", "--epochs", "5", *more]
    killed(FILE, *options, out="run")
    stored = np.load(name)
    x, y = (stored, None) if is_on_disk else (stored["x"], stored["y"])
    if change == "rows":
        x, y = x[:45], y[:45]
    elif change == "a label":
        y[7] = (y[7] + 1) % 3
    else:
        x[7, 2] += 1
    np.save(name, x) if is_on_disk else np.savez(name, x=x, y=y)
    result = run("--resume", "run")
    assert result.code == 2 and result.out == ""
    assert f"--resume run: {name} no longer holds the data" in result.err


def test_a_run_without_a_checkpoint_is_refused(run, light):
    folder = light("--variant", "vanilla", "--epochs", "1").folder
    result = run("--resume", folder)
    assert result.code == 2
    assert f"--resume {folder}: {folder} has no checkpoint.keras" in result.err


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--resume mine", "RUN mine: there is no such run"),
        ("--resume mine --epochs 5", "--resume mine continues .*: leave --epochs out"),
        ("--resume mine --variant beta", "leave --variant out"),
        ("--resume", "argument --resume: expected one argument"),
        ("--checkpoint", "--checkpoint: this variant .* is trained in rounds"),
    ],
)
def test_options_that_exclude_each_other_are_refused(check, arguments, sentence):
    check(arguments, sentence)


def test_a_history_cut_short_is_refused(run, light, killed):
    killed(EPOCH, "--variant", "vanilla", out=Path("run"))
    Path("run/history.csv").write_text("round,epoch,loss\n1,1,5.0\n")
    result = run("--resume", "run")
    assert result.code == 2
    assert "run/history.csv: is empty, damaged, cut short" in result.err


# --- checkpoint.fit, in Python --------------------------------------------------------


@pytest.fixture(scope="module", params=["in memory", "on disk"])
def x(tmp_path_factory, request):
    """Seven steps per epoch, in batches of 8."""
    values = np.random.default_rng(0).random((50, 6), np.float32)
    if request.param == "in memory":
        return values
    path = tmp_path_factory.mktemp("x") / "x.npy"
    np.save(path, values)
    return np.load(path, mmap_mode="r")


def make():
    model = models.vanilla.build((6,), latent_dim=2, hidden_dims=(8,), seed=0)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    return model


def go(x, folder="killed", seconds=0, kill_after=None, model=None):
    """Three epochs, killed at the step after `kill_after` steps."""
    steps = []

    def count(batch, logs):
        steps.append(batch)
        if len(steps) - 1 == kill_after:
            raise Killed

    each = [keras.callbacks.LambdaCallback(on_train_batch_end=count)]
    model = model or make()
    return fit(model, x, folder, 3, 8, seconds=seconds, callbacks=each, verbose=0)


@pytest.fixture(scope="module")
def whole(x, tmp_path_factory):
    """The folder of an uninterrupted training."""
    folder = tmp_path_factory.mktemp("whole")
    assert go(x, folder).steps_trained() == 21
    return folder


def check_resumes(x, whole):
    """Checks that the killed training ends as the uninterrupted one."""
    assert_same(go(x), models.load(whole / "checkpoint.keras"))
    history = Path("killed/history.csv").read_text()
    assert history == (whole / "history.csv").read_text()


@pytest.mark.parametrize("steps", [[3, 1], [14]])
def test_a_killed_training_ends_as_an_uninterrupted_one(x, whole, steps):
    for count in steps:
        with pytest.raises(Killed):
            go(x, kill_after=count)
    check_resumes(x, whole)


@pytest.mark.parametrize("x", ["on disk"], indirect=True)
@pytest.mark.parametrize(
    "file, where", [(1, "before"), (5, "after"), (8, "before"), (9, "before")]
)
def test_killed_while_writing_it_ends_as_an_uninterrupted_one(
    x, whole, monkeypatch, file, where
):
    """The first epoch writes nine files: settings, six steps, history, checkpoint."""
    rename, renamed = os.replace, []

    def replace(*paths):
        renamed.append(paths)
        if len(renamed) < file or where == "after":
            rename(*paths)
        if len(renamed) == file:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(run_folder.os, "replace", replace)
        go(x)
    check_resumes(x, whole)


def test_steps_since_the_last_checkpoint_are_repeated(x, whole):
    with pytest.raises(Killed):
        go(x, seconds=1000, kill_after=4)
    assert not Path("killed/checkpoint.keras").exists()
    check_resumes(x, whole)


@pytest.mark.parametrize("x", ["in memory"], indirect=True)
def test_a_model_trained_before_counts_from_there(x):
    one, other = make(), make()
    for model in (one, other):
        model.fit(x, batch_size=8, steps_per_epoch=3, verbose=0)
    assert go(x, "whole", model=one).steps_trained() == 24
    with pytest.raises(Killed):
        go(x, kill_after=9, model=other)
    check_resumes(x, Path("whole"))


def make_noisy():
    """A model whose encoder has layers with noise of their own."""

    def encoder(x, latent_dim):
        h = layers.GaussianNoise(0.1, seed=1)(layers.Dense(8)(x))
        h = layers.Dropout(0.5, seed=2)(h)
        return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)

    network = FromFunctions(encoder, lambda z: layers.Dense(6)(z))
    model = models.vanilla.build((6,), latent_dim=2, network=network, seed=0)
    model.compile("sgd")
    return model


@pytest.mark.parametrize("x", ["in memory"], indirect=True)
def test_the_noise_of_all_layers_continues(x):
    go(x, "whole", model=make_noisy())
    for kill_after in (9, 3):
        with pytest.raises(Killed):
            go(x, kill_after=kill_after, model=make_noisy())
    check_resumes(x, Path("whole"))


def test_a_finished_training_is_unchanged(x, whole):
    before = (whole / "checkpoint.keras").read_bytes()
    assert go(x, whole).steps_trained() == 21
    assert (whole / "checkpoint.keras").read_bytes() == before


def test_other_settings_are_refused(x, whole):
    with pytest.raises(ValueError, match="batch_size must be 8, .* Received: 16"):
        fit(make(), x, whole, 3, 16)
    with pytest.raises(ValueError, match="rows must be 50, .* Received: 40"):
        fit(make(), x[:40], whole, 3, 8)


def test_a_damaged_model_is_refused(x):
    go(x)
    path = Path("killed/checkpoint.keras")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no model could be loaded"):
        go(x)


@pytest.mark.parametrize(
    "done, expected",
    [(0, [(0, 3, 7)]), (9, [(1, 2, 5), (2, 3, 7)]), (20, [(2, 3, 1)]), (21, [])],
)
def test_the_fits_that_remain(done, expected):
    assert remaining_fits(done, 7, 3) == expected

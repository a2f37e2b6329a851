"""`checkpoint.fit`, in Python: killed at any step or file, it ends the same."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import models
from models.networks import FromFunctions
from models.runs import run_folder
from models.runs.checkpoint import fit, remaining_fits
from tests.train.resume.killed import Killed, assert_same


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

"""`--checkpoint` and `--resume`: a killed run ends as an uninterrupted one."""

from pathlib import Path

import numpy as np
import pytest

import models
from models.cli import report
from models.runs.checkpoint import Checkpoint
from models.training import device_loop
from tests.train.resume.killed import EPOCH, FILE, Killed, assert_same


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

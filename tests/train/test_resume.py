"""--checkpoint and --resume: a run that was stopped ends as if it had never been."""

from pathlib import Path

import numpy as np
import pytest

import models
from models.experiment import report
from models.experiment.checkpoint import Checkpoint
from models.experiment.runs import RunFolder


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Whatever a command leaves, it leaves here."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small():
    """Options that make little work of the blobs: four steps an epoch."""
    words = "--batch-size 15 --hidden-dims 8 --latent-dim 3 --n-components 3"
    return words.split()


class Killed(BaseException):
    """Stands in for kill -9."""


@pytest.fixture
def killed(light, monkeypatch):
    """A function: a run that dies where a method is called for the third time."""

    def killed(method, *arguments, **where):
        original, calls = getattr(*method), []

        def dies(self, *given):
            calls.append(given)
            if len(calls) == 3:
                raise Killed
            return original(self, *given)

        with monkeypatch.context() as patch:
            patch.setattr(*method, dies)
            with pytest.raises(Killed):
                light("--checkpoint", *arguments, **where)

    return killed


EPOCH, FILE = (Checkpoint, "on_epoch_end"), (RunFolder, "model")


@pytest.mark.parametrize(
    "options, moment",
    [
        ("--variant beta --kl-weight linear:4:2 --epochs 5", EPOCH),
        ("--variant conditional --learned-prior --optimizer rmsprop --epochs 5", FILE),
        ("--variant vanilla --steps 20 --log-every 2 --mixed-precision", FILE),
    ],
)
def test_a_stopped_run_ends_as_the_one_never_stopped(
    run, light, killed, read, tmp_path, options, moment
):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert light(*options.split(), out=whole).code == 0
    killed(moment, *options.split(), out=stopped)
    assert read.names(stopped) == {"config.json", "history.csv", "checkpoint.keras"}
    result = run("--resume", stopped)
    assert result.code == 0, result.err
    assert read.names(stopped) == read.names(whole)
    for name in ("history.csv", "config.json"):
        assert (stopped / name).read_text() == (whole / name).read_text()
    ours, its = (read.arrays(folder) for folder in (stopped, whole))
    for name, array in its.items():
        np.testing.assert_array_equal(ours[name], array)
    ours, its = (models.load(f / "model.keras").get_weights() for f in (stopped, whole))
    for one, other in zip(ours, its, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_stopped_by_ctrl_c_goes_on_too(run, light, read, monkeypatch):
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
    np.testing.assert_array_equal(
        read.column(result.folder / "history.csv", "epoch"), [1, 2, 3, 4]
    )
    assert "checkpoint.keras" not in read.names(result.folder)


def test_a_run_killed_after_its_last_epoch_goes_on_too(run, light, monkeypatch, read):
    def dies(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(report, "write", dies)
        with pytest.raises(Killed):
            light("--variant", "vanilla", "--epochs", "2", "--checkpoint", out="run")
    assert run("--resume", "run").code == 0
    assert len(read.rows(Path("run/history.csv"))) == 2


# --- Wrong use ------------------------------------------------------------------------


def test_a_run_without_a_checkpoint_is_refused(run, light):
    folder = light("--variant", "vanilla", "--epochs", "1").folder
    result = run("--resume", folder)
    assert result.code == 2
    assert f"--resume {folder}: {folder} has no checkpoint.keras" in result.err


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("--resume mine", "RUN mine: there is no such run"),
        ("--resume mine --epochs 5", "--resume mine goes on .*: leave --epochs out"),
        ("--resume mine --variant beta", "leave --variant out"),
        ("--resume", "argument --resume: expected one argument"),
        ("--checkpoint", "--checkpoint: the variant serket learns in rounds"),
    ],
)
def test_what_does_not_go_together_is_refused(check, arguments, sentence):
    check(arguments, sentence)


def test_a_history_cut_short_is_refused(run, light, killed):
    killed((Checkpoint, "on_epoch_end"), "--variant", "vanilla", out=Path("run"))
    Path("run/history.csv").write_text("round,epoch,loss\n1,1,5.0\n")
    result = run("--resume", "run")
    assert result.code == 2
    assert "run/history.csv: is empty, damaged, cut short" in result.err

"""Runs that `--resume` refuses to continue."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.train.resume.killed import EPOCH, FILE


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

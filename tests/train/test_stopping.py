"""Where results go, what Ctrl-C keeps of them, and the command as a user runs it."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from importlib.util import find_spec

import numpy as np
import pytest

import models
from models.cli import report
from models.cli.options import train_parser
from serket_bridge import GMM, VAE
from serket_bridge.inference.gaussian_mixture import GaussianMixture

# --- Where results go -----------------------------------------------------------------


def test_a_folder_with_files_is_refused_and_unchanged(read, light, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("mine")
    result = light(out=folder)
    assert result.code == 2
    assert f"--out {folder} holds files already" in result.err
    assert "--overwrite" in result.err
    assert read.names(folder) == {"config.json"}
    assert (folder / "config.json").read_text() == "mine"


def test_overwrite_replaces_its_own_files_and_leaves_others(read, light, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("config.json", "notes.txt"):
        (folder / name).write_text("mine")
    assert light("--overwrite", "--variant", "vanilla", out=folder).code == 0
    assert (folder / "notes.txt").read_text() == "mine"
    assert read.json(folder, "config.json")["variant"] == "vanilla"


def test_default_folders_are_numbered(read, light, tmp_path, monkeypatch):
    """The command run in a process of its own, below, finds 001 free."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "vanilla-table-001").mkdir(parents=True)
    result = light("--variant", "vanilla", "--epochs", "1", out=None)
    assert result.code == 0
    assert "Written to runs/vanilla-table-002:" in result.out
    assert (tmp_path / "runs" / "vanilla-table-002" / "model.keras").is_file()
    assert read.names(tmp_path / "runs" / "vanilla-table-001") == set()


# --- Ctrl-C ---------------------------------------------------------------------------


def interrupt_round(monkeypatch, module, number, after=0):
    """Ctrl-C in round `number`, after `after` steps of the module."""
    learn, rounds, steps = module.learn, [], []

    def interrupted(self, tick):
        rounds.append(1)
        if len(rounds) < number:
            return learn(self, tick)
        if not after:
            raise KeyboardInterrupt

        def last_tick():
            tick()
            steps.append(1)
            if len(steps) == after:
                raise KeyboardInterrupt

        return learn(self, last_tick)

    monkeypatch.setattr(module, "learn", interrupted)


def test_ctrl_c_in_a_later_round_keeps_the_rounds_before(
    run, table_files, small, read, monkeypatch, data, tmp_path
):
    interrupt_round(monkeypatch, VAE, 2, after=1)
    folder = tmp_path / "out"
    result = run("--data", data / "table.npz", *small, "--rounds", "3", "--out", folder)
    assert result.code == 130
    assert read.names(folder) == table_files
    path = folder / "history.csv"
    np.testing.assert_array_equal(read.column(path, "round"), [1, 1, 2])
    assert len(read.rows(folder / "rounds.csv")) == 1
    models.load(folder / "model.keras")
    assert f"Written to {folder}:" in result.out
    assert "Interrupted" in result.err and "Traceback" not in result.err


def test_ctrl_c_in_the_mixture_leaves_arrays_of_one_round(read, light, monkeypatch):
    """latents.npz is of the last complete round: its latents belong to its classes."""
    interrupt_round(monkeypatch, GMM, 2)
    result = light("--rounds", "2", "--gmm-message", "class-mean")
    assert result.code == 130
    latents = read.arrays(result.folder)
    stored = GaussianMixture(**read.arrays(result.folder, "gmm.npz"))
    q = latents["z_mean"].astype(float), np.exp(-latents["z_log_var"])
    classes = stored.expected_log_joint(*q).argmax(axis=1)
    np.testing.assert_array_equal(classes, latents["classes"])


@pytest.mark.parametrize("after, more", [(0, set()), (1, {"history.csv"})])
def test_ctrl_c_in_the_first_round_keeps_the_model(
    read, light, monkeypatch, unfinished, after, more
):
    interrupt_round(monkeypatch, VAE, 1, after)
    result = light("--rounds", "2")
    assert result.code == 130
    assert read.names(result.folder) == unfinished | more
    models.load(result.folder / "model.keras")
    if more:
        assert len(read.rows(result.folder / "history.csv")) == 1


def test_overwrite_removes_the_files_of_the_previous_run(
    read, light, monkeypatch, unfinished, tmp_path
):
    """They would be mistaken for those of the new run."""
    interrupt_round(monkeypatch, VAE, 1)
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (*report.FILE_DESCRIPTIONS, "manifold-3.png", "notes.txt"):
        (folder / name).write_text("old")
    assert light("--overwrite", out=folder).code == 130
    assert read.names(folder) == unfinished | {"notes.txt"}


@pytest.mark.parametrize("where", ["while it reads the data", "while it writes"])
def test_ctrl_c_outside_training_ends_the_command_quietly(light, monkeypatch, where):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    if where == "while it writes":
        monkeypatch.setattr(report, "write", interrupt)
    else:
        monkeypatch.setattr("models.data.load", interrupt)
    try:
        result = light("--variant", "vanilla")
    except KeyboardInterrupt:
        pytest.fail("the user would see a traceback")
    assert result.code == 130


# --- The real command -----------------------------------------------------------------


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_command_shows_no_message_of_the_backend(
    command, table_files, small, read, data, tmp_path, backend
):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    arguments = "--data", data / "unlabelled.npy", *small, "--variant", "vanilla"
    result = command(*arguments, cwd=tmp_path, KERAS_BACKEND=backend)
    assert result.returncode == 0, result.stderr
    messages = "oneDNN|absl|WARNING|Traceback|(?m:^[IWEF]0000)"
    assert not re.findall(messages, result.stderr)
    assert result.stdout.startswith("unlabelled: 60 rows of 6 features: column 1, ")
    assert "Written to runs/vanilla-unlabelled-001:" in result.stdout
    assert read.names(tmp_path / "runs" / "vanilla-unlabelled-001") == table_files


def test_help_names_every_option_and_imports_no_backend(command, tmp_path):
    result = command("--help", options=("-X", "importtime"), cwd=tmp_path)
    assert result.returncode == 0
    for action in train_parser()._actions:
        assert all(flag in result.stdout for flag in action.option_strings)
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"keras", "tensorflow", "jax", "torch", "sklearn"}


INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # if pytest's shell ignores it
runpy.run_module("models.train", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_ends_the_command_with_130_and_keeps_the_model(
    small, unfinished, read, environment, data, tmp_path
):
    folder = tmp_path / "out"
    arguments = ["--data", data / "table.npz", *small, "--out", folder]
    arguments += ["--epochs", "1000000"]
    terminal, error = pty.openpty()  # where the bar of the rounds is shown
    termios.tcsetwinsize(error, (24, 120))
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=error,
        text=True,
    )
    os.close(error)
    try:
        err = read_until(r"round 1, vae.* [1-9]\d*/", terminal)
        process.send_signal(signal.SIGINT)
        err += read_until(None, terminal)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert read.names(folder) == unfinished | {"history.csv", "curves.png"}
    models.load(folder / "model.keras")
    assert np.isfinite(read.column(folder / "history.csv", "loss")).all()
    assert "1000000 epochs" in out
    assert f"Written to {folder}:" in out and "model.keras" in out


def read_until(pattern, terminal, seconds=120):
    """What is shown until the pattern is, or until the program ends."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            shown = os.read(terminal, 4096) if ready else b""
        except OSError:  # its other end is closed
            shown, end = b"", 0
        text += shown.decode(errors="replace")
        if pattern and re.search(pattern, text):
            return text
    assert pattern is None, f"no {pattern!r} in {text!r}"
    return text

"""Output that ends before the command: `| head -1`, a full disk."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import models
from models.cli.output import lasting_output

ROOT = Path(models.__file__).parents[1]
FILES = {"config.json", "model.keras", "metrics.json", "latents.npz", "samples.png"}


def start(command, *arguments, **streams):
    """A command in a process of its own."""
    words = [sys.executable, "-m", f"models.{command}", *map(str, arguments)]
    return subprocess.Popen(words, cwd=ROOT, text=True, **streams)


def test_training_ends_well_where_nobody_reads_its_output(tmp_path):
    """As `2>&1 | head -1`."""
    given = "--data digits --epochs 1 --rounds 2 --hidden-dims 8".split()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with start("train", *given, "--out", tmp_path / "run", **streams) as process:
        assert process.stdout.readline().startswith("digits: 1797 rows")
        process.stdout.close()
        assert process.wait() == 0
    assert FILES <= {path.name for path in (tmp_path / "run").iterdir()}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to write to")
def test_a_command_ends_well_where_its_output_goes_to_a_full_disk(run_of, tmp_path):
    with open("/dev/full", "w") as full:
        streams = {"stdout": full, "stderr": subprocess.PIPE}
        given = run_of("serket"), "--out", tmp_path / "out"
        with start("encode", *given, **streams) as process:
            said = process.stderr.read()
            assert process.wait() == 0, said
    assert said.count("No space left on device") == 1 and "Traceback" not in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "latents.npz",
        "latent_pca.png",
    }


class Broken(io.StringIO):
    """A stream of a notebook, which has no number, and fails."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_what_cannot_be_written_is_said_once():
    err = io.StringIO()
    with redirect_stdout(Broken()), redirect_stderr(err):
        with lasting_output():
            print("one")
            print("two")
            assert not sys.stdout.isatty()
        assert isinstance(sys.stdout, Broken)  # only within the block
    assert err.getvalue().count("going on") == 1


def test_other_output_is_as_before():
    out = io.StringIO()
    with redirect_stdout(out), lasting_output():
        print("one")
    assert out.getvalue() == "one\n"


def test_no_output_at_all(monkeypatch):
    """As under pythonw, where sys.stdout is None."""
    monkeypatch.setattr(sys, "stdout", None)
    with lasting_output():
        print("one")

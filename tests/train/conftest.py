"""Fixtures of these tests: data, the command in this process or a new one, results."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import models
from models import train
from models.cli import report
from models.runs.run_folder import RunFolder


@pytest.fixture(scope="session")
def data(tmp_path_factory, digits):
    """A folder with three blobs, with labels and without, and 200 digits."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = rng.normal(0, 2, (3, 6))[labels] + rng.normal(0, 0.3, (60, 6))
    np.savez(folder / "table.npz", x=x, y=labels)
    np.save(folder / "unlabelled.npy", x)
    np.savetxt(folder / "labels.csv", labels, "%d")
    images, digit = digits
    np.savez(folder / "images.npz", x=images[:200], y=digit[:200])
    return folder


@pytest.fixture(scope="session")
def small():
    """Options of a short training on the blobs, with a mixture."""
    words = "--epochs 2 --batch-size 60 --hidden-dims 8 --latent-dim 3 --n-components 3"
    return words.split()


@pytest.fixture(scope="session")
def unfinished():
    """The files of a run that was stopped before its first step."""
    drawn = {"model.png"} if shutil.which("dot") else set()
    return {"config.json", "model.keras", "model.txt"} | drawn


@pytest.fixture(scope="session")
def files(unfinished):
    """The files of every finished run with a mixture."""
    arrays = "history.csv rounds.csv metrics.json latents.npz gmm.npz"
    pictures = "curves.png latent_pca.png reconstructions.png samples.png"
    return {*arrays.split(), *pictures.split()} | unfinished


@pytest.fixture(scope="session")
def table_files(files):
    """The files of every finished run on a table with a mixture."""
    return files | {"latent_effects.png", "pairs.png"}


# --- The command ----------------------------------------------------------------------


@pytest.fixture(scope="session")
def run():
    """A function that runs the command: its exit code, and its output."""

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = train.main([*map(str, arguments)])
        return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())

    return run


@pytest.fixture
def light(run, small, monkeypatch, data, tmp_path):
    """Runs the command on the table without drawing; the result has its `folder`."""
    monkeypatch.setattr(report, "draw_figures", lambda *_: None)
    monkeypatch.setattr(report.plotting, "plot_training_curves", lambda *_: None)
    monkeypatch.setattr(RunFolder, "write_figure", lambda *_: None)

    def start(*arguments, out=tmp_path / "out", name="table.npz", options=small):
        where = [] if out is None else ["--out", out]
        result = run("--data", data / name, *options, *arguments, *where)
        result.folder = out
        return result

    return start


@pytest.fixture(scope="session")
def environment():
    """The environment of a user: no variable that hides output of TensorFlow."""
    noise = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")
    kept = {name: value for name, value in os.environ.items() if name not in noise}
    root = Path(models.__file__).parents[1]
    return kept | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def command(environment):
    """A function that runs the command in a new Python, with its `options`."""

    def command(*arguments, cwd, options=(), **variables):
        return subprocess.run(
            [sys.executable, *options, "-m", "models.train", *map(str, arguments)],
            env=environment | variables,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return command


# --- Files and messages ---------------------------------------------------------------


@pytest.fixture(scope="session")
def read():
    """Functions that read the files of a run."""

    def rows(path):
        with open(path, newline="") as file:
            return list(csv.DictReader(file))

    def column(path, name):
        return np.array([float(row[name]) for row in rows(path)])

    def names(folder):
        return {path.name for path in folder.iterdir()}

    def arrays(folder, name="latents.npz"):
        with np.load(folder / name, allow_pickle=False) as stored:
            return dict(stored)

    def json_of(folder, name):
        return json.loads((folder / name).read_text())

    return SimpleNamespace(
        rows=rows, column=column, names=names, arrays=arrays, json=json_of
    )


@pytest.fixture(scope="session")
def prefix():
    """The start of an error message."""
    return "python -m models.train: error: "


@pytest.fixture
def refused(capfd, prefix):
    """A function: the error message of a command that must exit with 2."""

    def refused(*arguments):
        try:
            code = train.main([*arguments])
        except SystemExit as stop:  # argparse's own
            code = stop.code
        out, err = capfd.readouterr()
        assert code == 2, out + err
        assert "Traceback" not in err and out == ""
        *usage, sentence = err.splitlines()
        assert sentence.startswith(prefix), err
        assert not usage or usage[0].startswith("usage: python -m models.train"), err
        return sentence.removeprefix(prefix)

    return refused


@pytest.fixture
def check(refused):
    """Checks that a command is refused with this message, and writes nothing."""

    def check(arguments, sentence):
        before = paths_here()
        assert re.search(sentence, refused(*arguments.split()))
        assert paths_here() == before

    return check


def paths_here():
    return {path: path.stat().st_mtime_ns for path in Path().rglob("*")}

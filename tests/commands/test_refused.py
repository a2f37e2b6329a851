"""Wrong input for the commands on a finished run: a sentence, and nothing left."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import models

COMMANDS = ["encode", "reconstruct", "sample", "interpolate", "traverse"]
ENDS = "--from 0 --to 1"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, run_of, digits):
    """A folder with runs, damaged runs and data, most of them wrong."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("serket", "conditional"):
        shutil.copytree(run_of(name), folder / name)
    for name in ("no_config", "not_json", "no_run", "no_model", "cut_model", "no_data"):
        shutil.copytree(run_of("serket"), folder / name)
    (folder / "no_config" / "config.json").unlink()
    (folder / "not_json" / "config.json").write_text('{"variant": ')
    (folder / "no_run" / "config.json").write_text("{}")
    (folder / "no_model" / "model.keras").unlink()
    whole = (folder / "cut_model" / "model.keras").read_bytes()
    (folder / "cut_model" / "model.keras").write_bytes(whole[: len(whole) // 2])
    config = (folder / "no_data" / "config.json").read_text()
    gone = config.replace("table.npz", "gone.npz")
    (folder / "no_data" / "config.json").write_text(gone)
    np.save(folder / "narrow.npy", np.zeros((5, 4)))
    np.save(folder / "infinite.npy", np.full((5, 6), np.inf))
    np.save(folder / "unlabelled.npy", digits[0][:5])
    labels = np.array(["1", "2", "x", "1", "2"])
    np.savez(folder / "strange.npz", x=digits[0][:5], y=labels)
    (folder / "full").mkdir()
    (folder / "full" / "thesis.txt").write_text("mine")
    return folder


def paths_in(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def refused(call, inputs, monkeypatch):
    """Checks that a command ends with 2 and a sentence, and leaves nothing behind."""
    monkeypatch.chdir(inputs)

    def refused(command, arguments, sentence):
        before = paths_in(inputs)
        result = call(command, *arguments.split())
        assert result.code == 2 and result.out == ""
        *usage, last = result.err.splitlines()
        assert last.startswith(f"python -m models.{command}: error: "), result.err
        assert not usage or usage[0].startswith("usage: "), result.err
        assert re.search(sentence, last), last
        assert paths_in(inputs) == before

    return refused


RUN = {  # RUN -> the sentence, whatever the command
    "nowhere": "RUN nowhere: there is no such run; .* runs/ holds none",
    "full": "RUN full: is not the folder of a run",
    "no_config": "RUN no_config: is not the folder of a run",
    "not_json": "not_json/config.json: .* damaged",
    "no_run": "no_run/config.json: .* damaged",
    "no_model": "no_model/model.keras: no model could be loaded",
    "cut_model": "cut_model/model.keras: no model could be loaded",
}


@pytest.mark.parametrize("run", RUN)
def test_no_run(run, refused):
    command = COMMANDS[[*RUN].index(run) % len(COMMANDS)]
    ends = ENDS if command == "interpolate" else ""
    refused(command, f"{run} {ends}", RUN[run])


@pytest.mark.parametrize("command", COMMANDS)
def test_no_run_at_all(command, refused):
    refused(command, "", "required: RUN")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_holds_files(command, refused):
    ends = ENDS if command == "interpolate" else ""
    arguments = f"serket {ends} --out full"
    refused(command, arguments, "--out full holds files already: .* --overwrite")


WRONG = {  # command and arguments -> the sentence
    "encode serket narrow.npy": r"takes data of the shape \(6,\), got \(4,\)",
    "encode serket infinite.npy": "infinite.npy: expected finite numbers",
    "encode serket gone.npy": "gone.npy: expected a file",
    "encode no_data": "gone.npz: expected a file",
    "encode serket --labels size": "--labels size: .* has no such column or key",
    "encode serket --format txt": "--format: invalid choice: 'txt'",
    "encode serket --out full/thesis.txt": "--out must be a folder",
    "encode conditional unlabelled.npy": "unlabelled: .* conditional .* --labels",
    "encode conditional strange.npz": "labels of the run, 0, 1, 2, .*Received: x",
    "reconstruct serket narrow.npy": r"takes data of the shape \(6,\), got \(4,\)",
    "reconstruct conditional unlabelled.npy": "needs a label for each row",
    "reconstruct serket --n 0": "--n: expected an integer >= 1, got '0'",
    "reconstruct serket --n 1000": "--n must be 1 to 40.* Received: 1000",
    "sample serket --num-samples none": "--num-samples: expected an integer >= 1",
    "sample serket --seed -1": "--seed: expected an integer >= 0, got '-1'",
    "sample serket --class 3": "--class must be .* 0 to 2. Received: 3",
    "sample serket --label 1": "--label 1: only a conditional model",
    "sample conditional --class 1": "--class 1: only a model that takes the messages",
    "sample conditional --label ten": "--label must be .* 0, 1, 2, .* Received: ten",
    "sample conditional --label 10": "--label must be one of .* Received: 10",
    "interpolate serket --from 0": "required: --to",
    "interpolate serket --from 60 --to 1": "--from must be a row .* 0 to 59. .* 60",
    "interpolate serket --from 1 --to 60": "--to must be a row .* 0 to 59. .* 60",
    "interpolate serket --from -1 --to 1": "--from: expected an integer >= 0, got '-1'",
    "interpolate serket --from 5 --to 5": "--from and --to must be two different rows",
    f"interpolate serket {ENDS} --steps 1": "--steps: expected an integer >= 2",
    f"interpolate serket {ENDS} --label 1": "--label 1: only a conditional model",
    f"interpolate conditional {ENDS} --label x": "--label must be one of the run's",
    "traverse serket --row 60": "--row must be a row of the run's data, 0 to 59",
    "traverse serket --range 0": "--range: expected a number > 0, got '0'",
    "traverse serket --steps 1": "--steps: expected an integer >= 2",
    "traverse serket --dims 1 3": "--dims must be dimensions of z, 1 to 2. Received: 3",
    "traverse serket --dims 0": "--dims: expected an integer >= 1, got '0'",
    "traverse serket --label 1": "--label 1: only a conditional model",
    "traverse conditional": "is conditional: give --label .* or --row",
    "traverse no_data": "gone.npz: expected a file",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_input(arguments, refused):
    command, _, rest = arguments.partition(" ")
    refused(command, rest, WRONG[arguments])


def test_ctrl_c_leaves_nothing(call, inputs, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(models.plotting.latent_space, "plot_latent_pca", interrupted)
    before = paths_in(inputs)
    result = call("encode", inputs / "serket", "--out", inputs / "new" / "folder")
    assert result.code == 130 and "Interrupted" in result.err
    assert "Written" not in result.out
    assert paths_in(inputs) == before


def test_help_needs_no_heavy_import():
    lines = [
        f"import models.{c}; models.{c}.main.parser().format_help()" for c in COMMANDS
    ]
    heavy = "{'keras', 'numpy', 'matplotlib', 'sklearn', 'PIL'}"
    lines += ["import sys", f"assert not {heavy} & {{*sys.modules}}"]
    root = Path(models.__file__).parents[1]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=root, check=True)

"""All commands: on a conditional model of a table, and what they refuse at once."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import models
from models.runs.saved_run import SavedRun
from tests.commands.tables.table_files import NUMBERS, path_of, read_csv, standardized


def test_every_command_on_a_conditional_model_of_a_table(
    done, evaluate, run_of, flowers
):
    model, x = SavedRun(run_of("conditional")).model, flowers[NUMBERS].to_numpy()
    codes = np.arange(90) % 3
    z_mean, _ = model.encode(standardized(x), codes)
    np.testing.assert_allclose(done("encode", "conditional").z_mean, z_mean, rtol=1e-4)
    decoded = model.reconstruct(standardized(x), codes)
    expected = x.mean(axis=0) + x.std(axis=0) * decoded
    result = done("reconstruct", "conditional")
    np.testing.assert_allclose(result.x_mean, expected, rtol=1e-4)
    cells = read_csv(done("sample", "conditional").folder / "samples.csv")
    assert list(cells) == [*NUMBERS, "species"]
    assert set(cells["species"]) == {"iris", "rose", "tulip"}
    rose = done("sample", "conditional", "--label", "rose")
    assert set(read_csv(rose.folder / "samples.csv")["species"]) == {"rose"}
    scores, _ = evaluate("conditional")
    assert set(scores["columns"]) == set(NUMBERS)
    done("interpolate", "conditional", "--from", 0, "--to", 1, "--label", "tulip")
    done("traverse", "conditional", "--row", 4)


QUICK = """
import json, sys
from importlib import import_module
for words in json.loads(sys.argv[1]):
    print(import_module(f"models.{words[0]}").main(words[1:]))
print({"keras", "tensorflow", "jax", "torch"} & {*sys.modules})
"""


def test_what_is_missing_is_refused_before_keras_is_imported(run_of, flowers, tmp_path):
    run, conditional = run_of("all flowers"), run_of("conditional")
    unlabelled = path_of(flowers.drop(columns="species"), tmp_path)
    narrow = tmp_path / "narrow.csv"
    flowers.drop(columns="width").to_csv(narrow, index=False)
    wrong = {
        ("encode", tmp_path / "nowhere"): "there is no such run",
        ("sample", tmp_path / "nowhere"): "there is no such run",
        ("encode", run, tmp_path / "nothing.csv"): "there is nothing of that name",
        ("encode", run, narrow): "the columns width .* are missing",
        ("encode", run, unlabelled, "--labels", "species"): "--labels species",
        ("encode", conditional, unlabelled): "the labels species, it needs a label",
        ("reconstruct", conditional, unlabelled): "it needs a label",
        ("evaluate", run, "--split", "test"): "has no test data",
        ("evaluate", run, "--data", narrow): "the columns width",
        ("traverse", conditional): "is conditional",
        ("interpolate", run, "--from", 0, "--to", 99): "a row of the run's data",
    }
    words = json.dumps([[str(word) for word in each] for each in wrong])
    root = Path(models.__file__).parents[1]
    command = [sys.executable, "-c", QUICK, words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    *codes, imported = done.stdout.splitlines()
    assert codes == ["2"] * len(wrong) and imported == "set()", done.stderr
    for line, (arguments, words) in zip(
        done.stderr.splitlines(), wrong.items(), strict=True
    ):
        name = f"python -m models.{arguments[0]}: error: "
        assert line.startswith(name) and re.search(words, line)

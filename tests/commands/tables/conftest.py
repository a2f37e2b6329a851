"""Fixtures of these tests: two tables, and small finished runs of them."""

import json

import numpy as np
import pandas
import pytest

from tests.commands.tables.table_files import NUMBERS

SIZES = "--epochs 3 --batch-size 20 --hidden-dims 8 --latent-dim 2 --learning-rate .01"
SPECIES = "--labels species --n-components 3"
RUNS = {  # name -> table, options
    "flowers": ("flowers.csv", f"{SPECIES} --rounds 2 --test-fraction .2"),
    "all flowers": ("flowers.csv", f"{SPECIES} --rounds 1"),
    "conditional": ("flowers.csv", "--labels species --variant conditional"),
    "people": ("people.csv", "--variant vanilla --test-fraction .2"),
}


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """A folder with flowers, of three species, and people, with gaps."""
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    kind = np.arange(90) % 3
    x = [5, 300, 0.02] * (1 + kind[:, None] + 0.1 * rng.normal(size=(90, 3)))
    flowers = pandas.DataFrame(x.round(4), columns=NUMBERS)
    flowers.insert(0, "id", range(1, 91))
    flowers["species"] = np.array(["iris", "rose", "tulip"])[kind]
    flowers.to_csv(folder / "flowers.csv", index=False)
    joined = np.datetime64("2015-01-01") + 400 * kind + rng.integers(0, 99, 90)
    people = {
        "name": [f"Person {i}" for i in range(90)],
        "joined": joined.astype(str),
        "age": (20 + 15 * kind + rng.integers(0, 9, 90)).astype(object),
        "city": np.array(["Bern", "Basel", "Chur"], object)[kind],
    }
    people["age"][4] = people["city"][7] = None
    pandas.DataFrame(people).to_csv(folder / "people.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def run_of(tables, call):
    """Name -> the folder of that run, in place of those of other data."""

    def trained(name):
        folder = tables / name
        if not folder.exists():
            table, options = RUNS[name]
            given = f"{SIZES} {options}".split()
            result = call("train", "--data", tables / table, *given, "--out", folder)
            assert result.code == 0, result.err
        return folder

    return trained


@pytest.fixture
def flowers(tables):
    return pandas.read_csv(tables / "flowers.csv")


@pytest.fixture
def evaluate(done):
    """A function that runs `evaluate`: the scores, and what it said."""

    def evaluate(run, *options):
        result = done("evaluate", run, "--n-samples", 20, *options)
        return json.loads((result.folder / "evaluation.json").read_text()), result.out

    return evaluate

"""The commands on runs of tables: new rows by name, outputs in the table's units."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn.metrics import mean_squared_error, r2_score

import models
from models.cli.table_scores import describe_columns
from models.runs.saved_run import SavedRun

SIZES = "--epochs 3 --batch-size 20 --hidden-dims 8 --latent-dim 2 --learning-rate .01"
SPECIES = "--labels species --n-components 3"
RUNS = {  # name -> table, options
    "flowers": ("flowers.csv", f"{SPECIES} --rounds 2 --test-fraction .2"),
    "all flowers": ("flowers.csv", f"{SPECIES} --rounds 1"),
    "conditional": ("flowers.csv", "--labels species --variant conditional"),
    "people": ("people.csv", "--variant vanilla --test-fraction .2"),
}
NUMBERS = ["length", "width", "height"]


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def run_of(tables, call):
    """Name -> the folder of that run, in place of those of other data."""

    def trained(name):
        folder, (table, options) = tables / name, RUNS[name]
        if not folder.exists():
            given = f"{SIZES} {options}".split()
            result = call("train", "--data", tables / table, *given, "--out", folder)
            assert result.code == 0, result.err
        return folder

    return trained


@pytest.fixture
def flowers(tables):
    return pandas.read_csv(tables / "flowers.csv")


def standardized(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def read_csv(path):
    with open(path, newline="") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, zip(*rows, strict=True), strict=True))


# --- New rows -------------------------------------------------------------------------


def test_the_format_of_a_table_changes_no_latent(done, flowers, tmp_path):
    expected = done("encode", "flowers", *(path_of(flowers, tmp_path, "csv"),))
    for suffix in ("tsv", "xlsx", "parquet"):
        result = done("encode", "flowers", path_of(flowers, tmp_path, suffix))
        for name in ("z_mean", "z_log_var", "responsibilities", "labels"):
            np.testing.assert_array_equal(vars(result)[name], vars(expected)[name])


def path_of(table, folder, suffix="csv"):
    (folder / "tables").mkdir(exist_ok=True)
    path = folder / "tables" / f"new.{suffix}"
    if suffix in ("xlsx", "parquet"):
        getattr(table, {"xlsx": "to_excel", "parquet": "to_parquet"}[suffix])(
            path, index=False
        )
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    return path


def test_columns_are_taken_by_name(done, flowers, tmp_path):
    """In any order, beside others, and without those of ids and labels."""
    expected = done("encode", "flowers", path_of(flowers, tmp_path))
    others = {
        "reordered": flowers[["species", "height", "id", "width", "length"]],
        "extended": flowers.assign(colour="red", petals=5),
        "without labels": flowers.drop(columns="species"),
        "features alone": flowers[NUMBERS[::-1]],
    }
    for name, table in others.items():
        result = done("encode", "flowers", path_of(table, tmp_path))
        np.testing.assert_array_equal(result.z_mean, expected.z_mean, name)
        assert hasattr(result, "labels") == ("species" in table)
        ignored = "columns that are not used: colour, petals" in result.out
        assert ignored == (name == "extended")


def test_rows_are_encoded_one_by_one_or_in_another_order(done, flowers, tmp_path):
    expected = done("encode", "flowers", path_of(flowers, tmp_path)).z_mean
    order = np.random.default_rng(0).permutation(len(flowers))
    result = done("encode", "flowers", path_of(flowers.iloc[order], tmp_path))
    np.testing.assert_array_equal(result.z_mean, expected[order])
    one = done("encode", "flowers", path_of(flowers[8:9], tmp_path))
    np.testing.assert_allclose(one.z_mean, expected[8:9], rtol=1e-5, atol=1e-6)
    assert one.left == {"latents.npz"}


def test_one_large_cell_changes_only_its_own_row(done, flowers, tmp_path):
    expected = done("encode", "flowers", path_of(flowers, tmp_path)).z_mean
    flowers.loc[3, "width"] = 1e6
    result = done("encode", "flowers", path_of(flowers, tmp_path)).z_mean
    is_other = np.arange(90) != 3
    np.testing.assert_array_equal(result[is_other], expected[is_other])


def test_a_wrong_cell_is_named_with_what_can_be_done(call, run_of, tables, tmp_path):
    people = pandas.read_csv(tables / "people.csv")[:5].astype({"age": object})
    wrong = {"age": ("old", "a number"), "joined": ("soon", "a date like 2021-03-31")}
    wrong["city"] = "Genf", "one of Basel, Bern, Chur"
    for name, (value, expected) in wrong.items():
        people_2 = people.copy()
        people_2.loc[2, name] = value
        result = call("encode", run_of("people"), path_of(people_2, tmp_path))
        assert result.code == 2 and result.out == ""
        sentence = f"line 4, column '{name}' holds '{value}', expected {expected}; "
        assert sentence + "change it, or leave the row out." in result.err


def test_new_rows_have_classes_and_their_probabilities(done, run_of, tables):
    path = tables / "flowers.csv"
    result = done("encode", "flowers", path)
    shares = SavedRun(run_of("flowers")).mixture.predict_proba(result.z_mean)
    np.testing.assert_allclose(result.responsibilities, shares)
    np.testing.assert_array_equal(result.classes, shares.argmax(axis=1))
    for k, n in enumerate(np.bincount(result.classes)):
        assert (f"{n} in class {k}" in result.out) == (n > 0)
    cells = read_csv(
        done("encode", "flowers", path, "--format", "csv").folder / "latents.csv"
    )
    assert [*map(int, cells["class"])] == result.classes.tolist()
    probability = np.array(cells["class_probability"], float)
    np.testing.assert_allclose(probability, shares.max(axis=1))


def test_a_run_of_an_earlier_release_takes_columns_as_they_are(
    done, run_of, flowers, tables
):
    folder = tables / "earlier"
    shutil.copytree(run_of("all flowers"), folder)
    config = json.loads((folder / "config.json").read_text())
    del config["preprocessing"]
    (folder / "config.json").write_text(json.dumps(config))
    RUNS["earlier"] = RUNS["all flowers"]
    x = flowers[NUMBERS].to_numpy()
    model = SavedRun(folder).model
    result = done("encode", "earlier")
    np.testing.assert_allclose(result.z_mean, model.encode(x)[0], rtol=1e-4)
    result = done("reconstruct", "earlier")
    np.testing.assert_allclose(result.x_mean, model.reconstruct(x), rtol=1e-4)
    assert done("sample", "earlier").left == {"samples.npz", "samples.png"}


def test_the_file_of_the_run_is_read_as_a_whole_if_it_is_named(done, tables):
    """And without its name, as it was trained on."""
    assert len(done("encode", "flowers", tables / "flowers.csv").z_mean) == 90
    assert len(done("encode", "flowers").z_mean) == 72


# --- In the units of the table --------------------------------------------------------


def test_reconstructions_have_the_header_and_the_units_of_the_table(
    done, run_of, flowers
):
    result = done("reconstruct", "all flowers")
    x = flowers[NUMBERS].to_numpy()
    assert result.columns.tolist() == NUMBERS
    np.testing.assert_array_equal(result.x, x)
    decoded = SavedRun(run_of("all flowers")).model.reconstruct(standardized(x))
    expected = x.mean(axis=0) + x.std(axis=0) * decoded
    np.testing.assert_allclose(result.x_mean, expected, rtol=1e-5)
    cells = read_csv(result.folder / "reconstructions.csv")
    assert list(cells) == NUMBERS
    np.testing.assert_allclose(
        np.array([*cells.values()], float).T, result.x_mean, 1e-6
    )


def test_dates_and_words_come_back_as_such(done, tables):
    result = done("reconstruct", "people", tables / "people.csv")
    cells = read_csv(result.folder / "reconstructions.csv")
    assert list(cells) == ["joined", "age", "city"]
    assert set(cells["city"]) <= {"Basel", "Bern", "Chur"}
    dates = np.array(cells["joined"], "M8[D]")
    assert dates.min() > np.datetime64("2014") and dates.max() < np.datetime64("2020")
    columns = result.columns.tolist()
    assert columns == ["joined", "age", "city=Basel", "city=Bern", "city=Chur"]
    empty = np.argwhere(np.isnan(result.x)).tolist()
    assert empty == [[4, 1], [7, 2], [7, 3], [7, 4]]
    assert np.isfinite(result.x_mean).all() and np.isfinite(result.squared_error).all()


def test_samples_have_the_header_and_the_units_of_the_table(done, run_of, flowers):
    result = done("sample", "flowers", "--num-samples", 500)
    cells = read_csv(result.folder / "samples.csv")
    assert list(cells) == [*NUMBERS, "class"]
    assert [*map(int, cells["class"])] == result.classes.tolist()
    x_mean = np.array([cells[name] for name in NUMBERS], float).T
    np.testing.assert_allclose(x_mean, result.x_mean, rtol=1e-6)
    low, high = flowers[NUMBERS].min(), flowers[NUMBERS].max()
    assert (x_mean > low.to_numpy() / 3).all() and (x_mean < 2 * high.to_numpy()).all()


def test_paths_through_a_table_are_in_its_units(done, run_of, flowers):
    result = done("interpolate", "all flowers", "--from", 0, "--to", 2, "--steps", 3)
    np.testing.assert_allclose(result.x, flowers[NUMBERS].iloc[[0, 2]], rtol=1e-5)
    assert result.columns.tolist() == NUMBERS
    model, x = SavedRun(run_of("all flowers")).model, flowers[NUMBERS].to_numpy()
    decoded = model.decode(done("traverse", "all flowers").z.reshape(-1, 2))
    expected = x.mean(axis=0) + x.std(axis=0) * decoded
    x_mean = done("traverse", "all flowers").x_mean
    np.testing.assert_allclose(x_mean.reshape(-1, 3), expected, rtol=1e-4)


# --- Scores ---------------------------------------------------------------------------


def evaluate(done, run, *options):
    result = done("evaluate", run, "--n-samples", 20, *options)
    return json.loads((result.folder / "evaluation.json").read_text()), result.out


def test_columns_are_scored_in_their_units(done, run_of):
    scores, text = evaluate(done, "flowers")
    run = SavedRun(run_of("flowers"))
    mean, scale = run.preprocessing.mean, run.preprocessing.scale
    decoded = mean + scale * run.model.reconstruct(run.test.x)
    for i, name in enumerate(NUMBERS):
        true = run.test.values.raw(slice(None))[:, i]
        rmse = np.sqrt(mean_squared_error(true, decoded[:, i]))
        assert scores["columns"][name]["rmse"] == pytest.approx(rmse, rel=1e-4)
        r2 = r2_score(true, decoded[:, i])
        assert scores["columns"][name]["r2"] == pytest.approx(r2, rel=1e-4)
        assert f"{rmse:.4g}" in text and f"{r2:.3f}" in text
    assert "18 test rows" in text
    assert "log p(x) is the density of the standardised columns" in text


def test_held_out_rows_are_compared_with_a_mixture_of_the_table(done):
    """Three tight groups: three epochs of a small VAE know less of them."""
    scores, text = evaluate(done, "flowers")
    mixture = scores["table_mixture"]
    assert mixture["n_components"] == 3 and mixture["log_px"] > scores["log_px"]
    assert f"{mixture['log_px']:.2f}  3 Gaussians" in text
    assert "explains these rows better than the model" in " ".join(text.split())


def test_training_rows_are_not_compared_with_it(done):
    scores, text = evaluate(done, "all flowers")
    assert scores["table_mixture"] is None and "Gaussians" not in text
    assert "No test rows were kept" in text and "90 training rows" in text


def test_categories_have_shares_and_dates_have_days(done, run_of, tables):
    scores, text = evaluate(done, "people", "--data", tables / "people.csv")
    cells = read_csv(
        done("reconstruct", "people", tables / "people.csv").folder
        / "reconstructions.csv"
    )
    true = pandas.read_csv(tables / "people.csv")
    right = (true["city"] == np.array(cells["city"]))[true["city"].notna()].mean()
    assert scores["columns"]["city"] == {"right": pytest.approx(right)}
    assert f"{right:.0%} right" in text
    is_filled = true["age"].notna()
    ages = np.array(cells["age"], float)[is_filled]
    r2 = r2_score(true["age"][is_filled], ages)
    assert scores["columns"]["age"]["r2"] == pytest.approx(r2, rel=1e-3)
    assert 20 < scores["columns"]["joined"]["rmse"] < 500  # days
    assert scores["table_mixture"] is None  # categories have no density


def test_of_many_columns_the_best_and_the_worst_are_shown():
    columns = {f"c{i}": {"rmse": 1.0, "r2": i / 100} for i in range(30)}
    columns |= {"constant": {"rmse": 0.0, "r2": None}, "word": {"right": 0.995}}
    title, *lines = describe_columns(columns)
    assert title.startswith("5 best, 5 worst of 32 columns")
    names = [line.split()[0] for line in lines]
    assert names == "word c29 c28 c27 c26 c3 c2 c1 c0 constant".split()
    assert lines[0].endswith("100% right") and lines[-1].split()[1:] == ["0", "-"]


# --- A conditional model --------------------------------------------------------------


def test_every_command_on_a_conditional_model_of_a_table(done, run_of, flowers):
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
    scores, _ = evaluate(done, "conditional")
    assert set(scores["columns"]) == set(NUMBERS)
    done("interpolate", "conditional", "--from", 0, "--to", 1, "--label", "tulip")
    done("traverse", "conditional", "--row", 4)


# --- Refused at once ------------------------------------------------------------------

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

"""`models.encode` on runs of tables: new rows by name, and older runs."""

import json
import shutil

import numpy as np
import pandas
from scipy.special import softmax

from models.runs.saved_run import SavedRun
from tests.commands.tables.table_files import NUMBERS, path_of, read_csv


def test_the_format_of_a_table_changes_no_latent(done, flowers, tmp_path):
    expected = done("encode", "flowers", *(path_of(flowers, tmp_path, "csv"),))
    for suffix in ("tsv", "xlsx", "parquet"):
        result = done("encode", "flowers", path_of(flowers, tmp_path, suffix))
        for name in ("z_mean", "z_log_var", "responsibilities", "labels"):
            np.testing.assert_array_equal(vars(result)[name], vars(expected)[name])


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
    mixture = SavedRun(run_of("flowers")).mixture
    variances = np.exp(result.z_log_var.astype(float))  # of q: E_q[log N(z)]
    lost = [variances @ np.diag(precision) / 2 for precision in mixture.precisions_]
    log_p = np.log(mixture.predict_proba(result.z_mean)) - np.transpose(lost)
    shares = softmax(log_p, axis=1)
    np.testing.assert_allclose(result.responsibilities, shares, rtol=1e-5)
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

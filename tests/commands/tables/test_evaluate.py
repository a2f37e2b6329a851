"""`models.evaluate` on runs of tables: every column is scored in its own units."""

import numpy as np
import pandas
import pytest
from sklearn.metrics import mean_squared_error, r2_score

from models.cli.table_scores import describe_columns
from models.runs.saved_run import SavedRun
from tests.commands.tables.table_files import NUMBERS, read_csv


def test_columns_are_scored_in_their_units(evaluate, run_of, flowers):
    scores, text = evaluate("flowers")
    run = SavedRun(run_of("flowers"))
    x, kept = flowers[NUMBERS].to_numpy(), run.test.values.raw(slice(None))
    is_test = (x[:, None] == kept).all(axis=2).any(axis=1)
    mean, scale = x[~is_test].mean(axis=0), x[~is_test].std(axis=0)
    decoded = mean + scale * run.model.reconstruct((x[is_test] - mean) / scale)
    for i, name in enumerate(NUMBERS):
        true = x[is_test, i]
        rmse = np.sqrt(mean_squared_error(true, decoded[:, i]))
        assert scores["columns"][name]["rmse"] == pytest.approx(rmse, rel=1e-4)
        r2 = r2_score(true, decoded[:, i])
        assert scores["columns"][name]["r2"] == pytest.approx(r2, rel=1e-4)
        assert f"{rmse:.4g}" in text and f"{r2:.3f}" in text
    assert is_test.sum() == 18 and "18 test rows" in text
    assert "log p(x) is the density of the standardised columns" in text


def test_held_out_rows_are_compared_with_a_mixture_of_the_table(evaluate):
    """Three tight groups: three epochs of a small VAE know less of them."""
    scores, text = evaluate("flowers")
    mixture = scores["table_mixture"]
    assert mixture["n_components"] == 3 and mixture["log_px"] > scores["log_px"]
    assert f"{mixture['log_px']:.2f}  3 Gaussians" in text
    assert "explains these rows better than the model" in " ".join(text.split())


def test_training_rows_are_not_compared_with_it(evaluate):
    scores, text = evaluate("all flowers")
    assert scores["table_mixture"] is None and "Gaussians" not in text
    assert "No test rows were kept" in text and "90 training rows" in text


def test_categories_have_shares_and_dates_have_days(done, evaluate, tables):
    scores, text = evaluate("people", "--data", tables / "people.csv")
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

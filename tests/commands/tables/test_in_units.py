"""`reconstruct`, `sample`, `interpolate` and `traverse`: in the units of the table."""

import numpy as np

from models.runs.saved_run import SavedRun
from tests.commands.tables.table_files import NUMBERS, read_csv, standardized


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

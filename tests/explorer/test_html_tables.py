"""Rows of a table as HTML: names, values in the user's units, and bars."""

import re

import numpy as np
import pandas
import pytest

from models import data
from models.explorer.html_tables import MAX_ROWS, TableRenderer


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A table with numbers, a date, two categories, three, and an escaped name."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("table") / "t.csv"
    days = pandas.to_timedelta(rng.integers(0, 900, 50), "D")
    columns = {"pay": rng.normal(40_000, 5_000, 50), "share": rng.uniform(size=50)}
    columns |= {"born": pandas.Timestamp("1990-01-01") + days}
    columns |= {"smokes": rng.choice(["no", "yes"], 50)}
    columns |= {"a<b": rng.choice(["low", "mid", "top"], 50)}
    pandas.DataFrame(columns).to_csv(path, index=False)
    return data.load(path)


@pytest.fixture(scope="module")
def renderer(dataset):
    return TableRenderer(dataset.x, dataset.preprocessing)


def lines_of(html):
    """Name -> (the values in words, left and width of the bars in percent)."""
    found = {}
    for line in html.split("<div><b")[1:]:
        name = re.search(r">([^<]*)</b>", line)[1]
        words = re.findall(r"<em[^>]*>([^<]*)</em>", line)
        bars = re.findall(r"left:([\d.]+)%;width:([\d.]+)%", line)
        found[name] = words, np.array(bars, float)
    return found


def test_values_are_in_the_users_units(renderer, dataset):
    lines = lines_of(renderer.render_rows(dataset.x[7]))
    cells = dataset.preprocessing.to_cells(dataset.x[[7]])
    assert [*lines] == ["pay", "share", "born", "smokes", "a&lt;b"]
    for name in ("pay", "share"):
        assert float(lines[name][0][0]) == pytest.approx(cells[name][0], rel=0.02)
    assert lines["born"][0] == [cells["born"][0][:10]]
    assert lines["smokes"][0] == cells["smokes"]
    assert lines["a&lt;b"][0] == cells["a<b"]


def test_a_bar_leads_from_the_mean_to_the_value(renderer, dataset):
    pay = dataset.preprocessing.inverse(dataset.x)[:, 0]
    low, high = np.quantile(pay, [0.002, 0.998])
    for x, value in zip(dataset.x, pay, strict=True):
        _, ((left, width),) = lines_of(renderer.render_rows(x))["pay"]
        places = [100 * (v - low) / (high - low) for v in (pay.mean(), value)]
        ends = np.sort(np.clip(places, 0, 100))
        np.testing.assert_allclose([left, left + width], ends, atol=0.15)


def test_the_bar_of_a_category_is_its_probability(renderer, dataset):
    x = dataset.x[7].copy()
    x[3:] = 0.2, 0.1, 0.3, 0.6
    lines = lines_of(renderer.render_rows(x))
    assert lines["smokes"][0] == ["no"] and lines["a&lt;b"][0] == ["top"]
    np.testing.assert_allclose(lines["smokes"][1], [[0, 80]])
    np.testing.assert_allclose(lines["a&lt;b"][1], [[0, 60]])


def test_two_rows_are_side_by_side_and_a_thumbnail_names_all(renderer, dataset):
    both = lines_of(renderer.render_rows(*dataset.x[:2]))
    single = [lines_of(renderer.render_rows(x)) for x in dataset.x[:2]]
    for name, (words, _) in both.items():
        assert words == [each[name][0][0] for each in single]
    title = re.search("<title>(.*)</title>", renderer.render(dataset.x[0]))[1]
    for name, (words, _) in single[0].items():
        assert f"{name}: {words[0]}" in title


def test_of_a_wide_table_the_first_columns_are_shown(rng, tmp_path):
    np.save(tmp_path / "wide.npy", rng.normal(size=(9, MAX_ROWS + 5)))
    dataset = data.load(tmp_path / "wide.npy")
    html = TableRenderer(dataset.x, dataset.preprocessing).render_rows(dataset.x[0])
    assert len(lines_of(html)) == MAX_ROWS and "and 5 more columns" in html
    assert "nan" not in TableRenderer(dataset.x, dataset.preprocessing).render(
        np.full(MAX_ROWS + 5, np.nan)
    )

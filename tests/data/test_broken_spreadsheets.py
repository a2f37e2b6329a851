"""Tables of Excel and Parquet as people have them: read, or refused."""

import datetime

import openpyxl
import pandas
import pytest

from models.data import load
from models.data.errors import DataError
from tests.data.broken_tables import DATE, DAY, NAN, check


def book(path, *sheets):
    """Writes sheets, which are lists of rows, as an Excel file."""
    stored = openpyxl.Workbook()
    stored.remove(stored.active)
    for i, rows in enumerate(sheets):
        sheet = stored.create_sheet(f"Sheet{i + 1}")
        for row in rows:
            sheet.append(row)
    stored.save(path)
    return path


EXCEL = {
    "numbers": (
        [[["a", "b"], [1, 2.5], [3, 4]]],
        {"a": [1, 3], "b": [2.5, 4]},
        ["2 features: a, b"],
    ),
    "a title, empty rows and columns": (
        [[["Report"], [], [None, "a", "b"], [None, 1, 2], [], [None, 3, 4]]],
        {"a": [1, 3], "b": [2, 4]},
        ["left out above the table: Report", "1 empty rows left out"],
    ),
    "several sheets": (
        [[], [["a", "b"], [1, 2], [3, 4]], [["c"], [1]]],
        {"a": [1, 3], "b": [2, 4]},
        ["sheet Sheet2, the first of 3 that is not empty"],
    ),
    "dates, text and gaps": (
        [
            [
                ["when", "b", "c"],
                [DATE, "u", 1],
                [None, "v", 2],
                [DATE + datetime.timedelta(2), "u", None],
                [DATE, "v", 3],
            ]
        ],
        {"when": [DAY, NAN, DAY + 2, DAY], "b=v": [0, 1, 0, 1], "c": [1, 2, NAN, 3]},
        ["when: dates", "b: one-hot: u, v", "when (1), c (1): empty cells"],
    ),
    "numbers as text": (
        [[["a", "b"], ["1.5", 2], ["2,500", 3]]],
        {"a": [1.5, 2500], "b": [2, 3]},
        ["a: commas separate thousands"],
    ),
    "marks of empty cells": (
        [[["a", "b"], [1, "n/a"], ["-", 3], [2, 5], [4, "#DIV/0!"], [7, 8]]],
        {"a": [1, NAN, 2, 4, 7], "b": [NAN, 3, 5, NAN, 8]},
        ["a (1), b (2): empty cells read as the mean"],
    ),
    "years and a total": (
        [
            [
                ["country", 2019, 2020],
                ["AT", 1, 2],
                ["DE", 3, 5],
                ["AT", 5, 6],
                ["DE", 2, 9],
                ["Sum", 11, 22],
            ]
        ],
        {"country=DE": [0, 1, 0, 1], "2019": [1, 3, 5, 2], "2020": [2, 5, 6, 9]},
        ["the last row left out: Sum"],
    ),
    "merged cells and units": (
        [[["size", None, "b"], ["min", "max", "kg"], [1, 2, 3], [4, 5, 7]]],
        {"size min": [1, 4], "size max": [2, 5], "b kg": [3, 7]},
        ["names of two lines: size min, size max, b kg"],
    ),
}


@pytest.mark.parametrize("name", EXCEL)
def test_excel_that_is_read(tmp_path, name):
    sheets, values, sentences = EXCEL[name]
    path = book(tmp_path / "a.xlsx", *sheets)
    check(load(path, standardize=False), values, sentences)


@pytest.mark.parametrize(
    "sheets, message",
    [
        ([[]], "the table has no rows; expected at least one"),
        ([[["a", "b"]]], "the table has no rows; expected at least one"),
        (
            [[["T"], ["a", "b"], [1, 2], [3, "oops"], [5, 6], [7, 8]]],
            "row 4, column 'b' holds 'oops', expected a number; change it",
        ),
    ],
)
def test_excel_that_is_refused(tmp_path, sheets, message):
    with pytest.raises(DataError, match=f"a.xlsx: {message}"):
        load(book(tmp_path / "a.xlsx", *sheets))


@pytest.mark.parametrize("content", [b"", b"no Excel", b"PK\x03\x04"])
def test_excel_that_is_damaged(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match="a.xlsx: is .*damaged.*an Excel table"):
        load(tmp_path / "a.xlsx")


def test_the_format_before_xlsx(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DataError, match="a.xls: .* save it as .xlsx or .csv"):
        load(tmp_path / "a.xls")


def test_parquet_with_dates_text_and_gaps(tmp_path):
    frame = pandas.DataFrame(
        {
            "when": [DATE, None, DATE + datetime.timedelta(1), None],
            "day": [
                DATE.date(),
                None,
                DATE.date(),
                datetime.date(2021, 3, 2),
            ],
            "b": ["u", "v", None, "u"],
            "c": [True, None, False, True],
            "d": pandas.Series([1, None, 3, 4], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    values = {
        "when": [DAY, NAN, DAY + 1, NAN],
        "day": [DAY, NAN, DAY, DAY + 1],
        "b=v": [0, 1, NAN, 0],
        "c": [1, NAN, 0, 1],
        "d": [1, NAN, 3, 4],
    }
    sentences = ["when, day: dates", "day (1), b (1), c (1), d (1): empty cells"]
    check(load(tmp_path / "a.parquet", standardize=False), values, sentences)

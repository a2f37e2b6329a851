"""Fixtures of these tests: a table of all kinds of columns."""

import numpy as np
import pytest


@pytest.fixture
def table(rng):
    """Name -> column: numbers, dates and text, with empty cells in each."""
    days = rng.integers(0, 900, 60).astype("m8[D]")
    columns = {
        "size": rng.normal(10, 3, 60),
        "sold": (np.datetime64("2020-01-01") + days).astype("M8[s]"),
        "town": rng.choice(["Bern", "Oslo", "Rome"], 60),
    }
    columns["size"][3], columns["sold"][4], columns["town"][5] = np.nan, "NaT", ""
    return columns


@pytest.fixture
def predicted(table, rng):
    """The same columns with errors, and without empty cells."""
    size = np.nan_to_num(table["size"], nan=10.0)
    sold = np.where(np.isnat(table["sold"]), np.datetime64("2021-01-01"), table["sold"])
    town = np.where(table["town"] == "", "Oslo", table["town"])
    town[:12] = "Rome"
    return {
        "size": size + rng.normal(size=60),
        "sold": sold + rng.integers(0, 90, 60).astype("m8[D]"),
        "town": town,
    }

"""What these tests share: files of the user, written to the test's own folder."""

import csv

import numpy as np
import pytest


@pytest.fixture
def save_npy(tmp_path):
    """Saves an array, and returns its path."""

    def save(array, name="x.npy"):
        np.save(tmp_path / name, array)
        return tmp_path / name

    return save


@pytest.fixture
def write_csv(tmp_path):
    """Writes rows of fields, and returns the path of the table."""

    def write(rows, name="a.csv", delimiter=","):
        with open(tmp_path / name, "w", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        return tmp_path / name

    return write

"""Fixtures that write a file of the user to the folder of the test."""

import csv

import numpy as np
import pytest


@pytest.fixture
def save_npy(tmp_path):
    """A function that saves an array and returns its path."""

    def save(array, name="x.npy"):
        np.save(tmp_path / name, array)
        return tmp_path / name

    return save


@pytest.fixture
def write_csv(tmp_path):
    """A function that writes rows of fields and returns the path of the table."""

    def write(rows, name="a.csv", delimiter=","):
        with open(tmp_path / name, "w", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
        return tmp_path / name

    return write

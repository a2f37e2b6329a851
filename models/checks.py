"""Checks of arguments, each with an error that names the argument."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np

MAX_UNPACKED = 16 * 2**30  # bytes of an archive, which are all read into memory


def is_integer(value) -> bool:
    """Whether value is an integer, of Python or NumPy, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_integer(name: str, value, at_least: int = 1) -> int:
    """The value as an int; ValueError unless it is an integer >= `at_least`."""
    if not is_integer(value) or value < at_least:
        raise ValueError(
            f"{name} must be an integer >= {at_least}. Received: {name}={value!r}"
        )
    return int(value)


def check_integers(name: str, values, at_least: int = 1) -> tuple[int, ...]:
    """The values as a tuple of int; ValueError unless `at_least` many, all >= 1."""
    is_sequence = isinstance(values, tuple | list) and len(values) >= at_least
    if not is_sequence or not all(is_integer(v) and v >= 1 for v in values):
        raise ValueError(
            f"{name} must be made of integers >= 1. Received: {name}={values!r}"
        )
    return tuple(int(v) for v in values)


def check_unpacked(path: Path | str) -> None:
    """Raises ValueError if an archive unpacks to more than `MAX_UNPACKED` bytes."""
    try:
        with ZipFile(path) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except Exception:  # what reads the file next says what is wrong with it
        return
    check_size(path, size)


def check_size(path: Path | str, size: int) -> None:
    """Raises ValueError if the content of a file has more than `MAX_UNPACKED` bytes."""
    if size > MAX_UNPACKED:
        raise ValueError(
            f"{path}: unpacks to {size / 2**30:,.1f} GiB, expected at most "
            f"{MAX_UNPACKED / 2**30:g} GiB, which are read into memory; save large "
            "arrays as .npy, which stay on disk"
        )

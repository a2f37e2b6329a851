"""Files: where `update` writes, and how. Every file is written whole or not at all."""

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.atomic_files import write_atomically
from models.checks import check_unpacked

to_python = np.generic.item  # a number of NumPy as one of Python, for `json.dumps`


class output_dir:
    """Sets the folder that holds `module001_vae/` and its siblings.

    `srk.output_dir("results")` sets it from then on; in a `with` statement it holds for
    the block. `None` writes no files. The default is the working directory.
    """

    current = Path()

    def __init__(self, path: str | Path | None):
        self.before = output_dir.current
        output_dir.current = None if path is None else Path(path)

    def __enter__(self):
        return output_dir.current

    def __exit__(self, *exception):
        output_dir.current = self.before


def write_text(path: Path, array, fmt: str | None = None) -> None:
    """Writes (n, ...) as text, one line per row; by default no digits are lost."""
    array = np.atleast_1d(array)
    fmt = fmt or ("%.9g" if array.dtype == np.float32 else "%.17g")
    table = array.reshape(len(array), -1)
    write_atomically(path, lambda file: np.savetxt(file, table, fmt=fmt))


def write_json(path: Path, content) -> None:
    """Writes JSON; NumPy's numbers become Python's."""
    text = json.dumps(content, indent=2, default=to_python)
    write_atomically(path, lambda file: file.write_text(text + "\n", "utf-8"))


def read_json(path: Path):
    """The content of a JSON file; ValueError with the path if it cannot be read."""
    return _read(path, json.load)


def write_arrays(path: Path, arrays: dict) -> None:
    """Writes arrays by name as a compressed `.npz`."""

    def write(file):
        with file.open("wb") as stream:  # np.savez would add a suffix to a path
            np.savez_compressed(stream, **arrays)

    write_atomically(path, write)


def read_arrays(path: Path) -> dict:
    """The arrays of an `.npz`; ValueError with the path if it cannot be read."""
    check_unpacked(path)
    return _read(path, lambda file: dict(np.load(file)))


def _read(path, read):
    try:
        with Path(path).open("rb") as file:
            return read(file)
    except Exception as error:  # NumPy, json, zipfile and zlib have no common one
        raise ValueError(f"{path} cannot be read: {error}") from error


@contextmanager
def reading(folder: Path):
    """In the block, what damaged content raises is a ValueError with the folder."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder} cannot be read, a file in it is damaged: {error!r}"
        ) from error

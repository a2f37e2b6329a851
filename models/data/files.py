"""Arrays, .npy and .npz, and files that hold only labels."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.checks import check_unpacked
from models.data import tables
from models.data.errors import DataError, reading
from models.data.labels import NAMES, NONE, encode_labels, find_labels

ARRAY_SUFFIXES = (".npy", ".npz")
SUFFIXES = (*ARRAY_SUFFIXES, *tables.SUFFIXES)
DATA_KEYS = ("x", "x_train", "data", "image", "images")


def read_labels(path: Path):
    """(codes, names) of a file that holds only labels, or labels of a usual name."""
    if not path.is_file():
        raise DataError(f"--labels {path}: there is no such file.")
    if path.suffix.lower() in ARRAY_SUFFIXES:
        with _opened(path) as stored:
            if not isinstance(stored, np.ndarray):
                keys = stored.files
                stored = stored[_label_key(keys) or _data_key(path, keys)]
            return encode_labels(stored, path)
    table = tables.read(path)
    name = find_labels(table.names)
    if name is None and len(table.names) != 1:
        raise DataError(
            f"--labels {path}: expected one column, or one called 'label' in the "
            f"header, but there are {len(table.names)}."
        )
    return encode_labels(table.labels(name or table.names[0]), path)


def read_arrays(path: Path, label_key: str | None = None, data_key: str | None = None):
    """(data, labels or None, the key of the labels or None), never with pickle.

    path: an .npy or .npz file. label_key: "none" leaves labels of a usual name out.
    """
    with _opened(path) as stored:
        if isinstance(stored, np.ndarray):
            return stored, None, None
        keys = stored.files
        key = _label_key(keys, None if label_key == NONE else label_key)
        if label_key not in (None, NONE, key):
            raise no_labels(label_key, path, keys)
        x = stored[data_key or _data_key(path, keys, key)]
        key = None if label_key == NONE else key
        return x, None if key is None else stored[key], key


def no_labels(wanted: str, source, names) -> DataError:
    """The error for labels whose name is not there."""
    only = f"such column or key, only {', '.join(names)}"
    return DataError(
        f"--labels {wanted}: {source} has no {only if names else 'named columns'}; "
        "expected a name of its own, none, or a file of labels "
        f"({', '.join(SUFFIXES)})."
    )


@contextmanager
def _opened(path):
    """The array of an .npy, or the open archive of an .npz."""
    expected = "an .npy or .npz file of plain numbers"
    check_unpacked(path)
    with reading(path, expected), path.open("rb") as file:
        yield np.load(file, allow_pickle=False)


def _label_key(keys, wanted=None):
    """The key of the labels, or `None`; x is no coordinate beside y here."""
    return find_labels([key for key in keys if key not in DATA_KEYS], wanted)


def _data_key(path, keys, label_key=None):
    """The key of the data: a usual one, or the only one that holds no labels."""
    others = [k for k in keys if k != label_key and k.lower() not in NAMES]
    key = next((key for key in DATA_KEYS if key in others), None)
    if key is None and len(others) != 1:
        raise DataError(
            f"{path}: cannot tell which array is the data, the keys are "
            f"{', '.join(keys) or 'none'}; save the data under the key 'x'."
        )
    return key or others[0]

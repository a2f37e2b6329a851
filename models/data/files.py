"""Files of the user by their suffix, and labels as codes; arrays are read here."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.data import tables
from models.data.errors import DataError, reading

ARRAY_SUFFIXES = (".npy", ".npz")
SUFFIXES = (*ARRAY_SUFFIXES, ".csv", ".txt", tables.PARQUET)
DATA_KEYS = ("x", "x_train", "data", "image", "images")
LABEL_NAMES = ("label", "labels", "class", "target", "y", "y_train")  # in any case


def read(path: Path, label_name: str | None = None):
    """(the values as they are stored (n, ...), label codes, label names) of a file."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path}: unknown kind of file {path.suffix!r}; expected a folder of "
            f"images or one of {', '.join(SUFFIXES)}."
        )
    if suffix in ARRAY_SUFFIXES:
        x, labels = read_arrays(path, label_name)
    else:
        table = tables.read(path, lambda fields: _is_header(fields, label_name))
        name = find_labels(table.header, label_name, path)
        labels = None if name is None else table.pop_labels(name)
        x = table.numbers()
    return x, *encode_labels(labels, path)


def read_labels(path: Path):
    """(codes, names) of a file that holds only labels, or labels of a usual name."""
    if not path.is_file():
        raise DataError(f"--labels {path}: there is no such file.")
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        table = tables.read(path, lambda fields: find_labels(fields) is not None)
        name = find_labels(table.header)
        if name is None and len(table.frame.columns) != 1:
            raise DataError(
                f"--labels {path}: expected one column, or one called 'label' in the "
                f"header, but there are {len(table.frame.columns)}."
            )
        return encode_labels(table.pop_labels(name), path)
    with _opened(path) as stored:
        if not isinstance(stored, np.ndarray):
            keys = stored.files
            stored = stored[find_labels(keys) or _data_key(path, keys)]
        return encode_labels(stored, path)


def read_arrays(path: Path, label_key: str | None = None, data_key: str | None = None):
    """(data, labels or None) of an .npy or .npz file, never with pickle."""
    with _opened(path) as stored:
        if isinstance(stored, np.ndarray):
            return stored, None
        label_key = find_labels(stored.files, label_key, path)
        x = stored[data_key or _data_key(path, stored.files, label_key)]
        return x, None if label_key is None else stored[label_key]


@contextmanager
def _opened(path):
    """The array of an .npy, or the open archive of an .npz."""
    expected = "an .npy or .npz file of plain numbers"
    with reading(path, expected), path.open("rb") as file:
        yield np.load(file, allow_pickle=False)


def _data_key(path, keys, label_key=None):
    """The key of the data: a usual one, or the only one that holds no labels."""
    others = [k for k in keys if k != label_key and k.lower() not in LABEL_NAMES]
    key = next((key for key in DATA_KEYS if key in others), None)
    if key is None and len(others) != 1:
        raise DataError(
            f"{path}: cannot tell which array is the data, the keys are "
            f"{', '.join(keys) or 'none'}; save the data under the key 'x'."
        )
    return key or others[0]


def find_labels(names: list[str], wanted: str | None = None, source=None) -> str | None:
    """The name of the labels among those of columns or keys, or `None`.

    wanted: their name, which must be there (DataError); `None` is a usual name.
    """
    if wanted is None:
        usual = {name.lower(): name for name in reversed(names)}
        return next((usual[name] for name in LABEL_NAMES if name in usual), None)
    if wanted in names:
        return wanted
    only = f"such column or key, only {', '.join(names)}"
    raise DataError(
        f"--labels {wanted}: {source} has no {only if names else 'named columns'}; "
        f"expected a name of its own, or a file of labels ({', '.join(SUFFIXES)})."
    )


def _is_header(fields, label_column):
    """Whether a line has no number, or the name of the labels."""
    words = [field for field in fields if not tables.is_number(field)]
    return label_column in words or find_labels(words) is not None or words == fields


def encode_labels(raw: np.ndarray | None, source):
    """(codes (n,) int64 from 0 on, the name of each code); None, None for None.

    raw: (n,) or (n, 1) integers, whole floats, booleans or text. Text that is all
    numbers counts as numbers.
    """
    if raw is None:
        return None, None
    raw = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
    if raw.ndim != 1 or raw.dtype.kind not in "biufU":
        raise DataError(
            f"{source}: expected integers or text, one label for each row, got "
            f"shape {raw.shape} and dtype {raw.dtype}."
        )
    values = _as_numbers(np.char.strip(raw)) if raw.dtype.kind == "U" else raw
    if values.dtype.kind == "U":
        bad = np.isin(np.char.lower(values), ("", "nan"))
    else:
        bad = ~np.isfinite(values) | (values != np.floor(values))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{source}: {bad.sum()} labels are not integers or text, the first in row "
            f"{row} (counted from 0) is {values[row].item()!r}; give every row a label."
        )
    values = values.astype(np.int64) if values.dtype.kind == "f" else values
    names, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), tuple(str(name) for name in names.tolist())


def _as_numbers(words):
    """Words that are all written as numbers as these numbers; else the words."""
    for dtype in (np.int64, np.float64):
        try:
            return words.astype(dtype)
        except (ValueError, OverflowError):
            continue
    return words

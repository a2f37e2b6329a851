"""Files of the user by their suffix, and labels as codes; arrays are read here."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.data import tables
from models.data.errors import DataError, reading

ARRAY_SUFFIXES = (".npy", ".npz")
SUFFIXES = (*ARRAY_SUFFIXES, ".csv", ".txt", tables.PARQUET)

DATA_KEYS = ("x", "x_train", "data", "image", "images")
LABEL_KEYS = ("y", "y_train", "label", "labels", "target")


def read(path: Path, label_name: str | None = None):
    """(the values as they are stored (n, ...), label codes, label names) of a file."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path}: unknown kind of file {path.suffix!r}; expected a folder of "
            f"images or one of {', '.join(SUFFIXES)}."
        )
    is_array = suffix in ARRAY_SUFFIXES
    x, labels = (read_arrays if is_array else tables.read_table)(path, label_name)
    return x, *encode_labels(labels, path)


def read_labels(path: Path):
    """(codes, names) of a file that holds only labels, integers or text."""
    if not path.is_file():
        raise DataError(f"--labels {path}: there is no such file.")
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        return encode_labels(tables.read_label_table(path), path)
    with _opened(path, "an .npy or .npz file of labels") as stored:
        if not isinstance(stored, np.ndarray):
            key = _label_key(path, stored.files, None)
            stored = stored[key or _data_key(path, stored.files, None)]
        return encode_labels(stored, path)


def refuse_label_name(source, label_name: str | None) -> None:
    """Raises DataError for the name of a column where there are no columns."""
    if label_name is not None:
        raise DataError(
            f"--labels {label_name}: {source} has no named columns or keys; give the "
            f"path of a file of labels ({', '.join(SUFFIXES)})."
        )


def refuse_image_size(source, image_size) -> None:
    """Raises DataError for the size of images where there is no folder of images."""
    if image_size is not None:
        raise DataError(f"--image-size is for a folder of images, not for {source}.")


def read_arrays(path: Path, label_key: str | None = None, data_key: str | None = None):
    """(data, labels or None) of an .npy or .npz file, never with pickle."""
    with _opened(path, "an .npy or .npz file of plain numbers") as stored:
        if isinstance(stored, np.ndarray):
            refuse_label_name(path, label_key)
            return stored, None
        label_key = _label_key(path, stored.files, label_key)
        x = stored[data_key or _data_key(path, stored.files, label_key)]
        return x, None if label_key is None else stored[label_key]


@contextmanager
def _opened(path, expected):
    """The array of an .npy, or the open archive of an .npz."""
    with reading(path, expected), path.open("rb") as file:
        yield np.load(file, allow_pickle=False)


def _label_key(path, keys, wanted):
    if wanted is not None and wanted not in keys:
        raise DataError(
            f"--labels {wanted}: {path} has no such key, only {', '.join(keys)}; "
            "give one of these, or the path of a file of labels."
        )
    return wanted or next((key for key in LABEL_KEYS if key in keys), None)


def _data_key(path, keys, label_key):
    others = [key for key in keys if key != label_key and key not in LABEL_KEYS]
    key = next((key for key in DATA_KEYS if key in others), None)
    if key is None and len(others) != 1:
        raise DataError(
            f"{path}: cannot tell which array is the data, the keys are "
            f"{', '.join(keys) or 'none'}; save the data under the key 'x'."
        )
    return key or others[0]


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
    values = _as_numbers(raw) if raw.dtype.kind == "U" else raw
    bad = _is_missing(values)
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


def _is_missing(values):
    """Whether each label is empty, NaN or not whole, (n,)."""
    if values.dtype.kind == "U":
        return np.isin(np.char.lower(np.char.strip(values)), ("", "nan"))
    if values.dtype.kind == "f":
        return ~np.isfinite(values) | (values != np.floor(values))
    return np.zeros(len(values), bool)

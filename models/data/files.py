"""Reading the user's own files by their suffix; here arrays, and labels as codes.

`read` maps a path to ``(array, labels, label_names)``: the values as they are stored,
one row each; the labels as int64 codes, or None; and what each code means, or None.
What cannot be read is refused with a `DataError`.
"""

from pathlib import Path

import numpy as np

from models.data import image_folders, tables
from models.data.errors import DataError, reading

ARRAY_SUFFIXES = (".npy", ".npz")
PARQUET = ".parquet"
TABLE_SUFFIXES = (".csv", ".txt", PARQUET)

DATA_KEYS = ("x", "x_train", "data", "image", "images")
LABEL_KEYS = ("y", "y_train", "label", "labels", "target")

Columns = tuple[np.ndarray, np.ndarray | None, tuple[str, ...] | None]


def read(path: Path, label_name: str | None = None, image_size=None) -> Columns:
    """Reads a file, or a folder of images, by what its name ends in.

    `label_name` is the column of a table, or the key of an .npz, with the labels;
    `image_size`, for a folder only, is the side or the (height, width) to resize to.
    """
    if path.is_dir():
        refuse_label_name(path, label_name)
        return image_folders.read_images(path, image_size)
    if image_size is not None:
        raise DataError(f"--image-size is for a folder of images, which {path} is not.")
    suffix = path.suffix.lower()
    if suffix in ARRAY_SUFFIXES:
        x, labels = read_arrays(path, label_name)
    elif suffix == PARQUET:
        from models.data.parquet import Table  # slow to import

        table = Table(path, label_name)
        return table.array(), *table.labels()
    elif suffix in TABLE_SUFFIXES:
        x, labels = tables.read_table(path, label_name)
    else:
        raise DataError(
            f"{path}: unknown kind of file {path.suffix!r}; expected a folder of "
            f"images or one of {', '.join(ARRAY_SUFFIXES + TABLE_SUFFIXES)}."
        )
    return x, *encode_labels(labels, path)


def read_labels(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reads a file with nothing but labels, integers or text: (codes, names)."""
    if not path.is_file():
        raise DataError(f"--labels {path}: there is no such file.")
    suffix = path.suffix.lower()
    if suffix in ARRAY_SUFFIXES:
        return encode_labels(_stored_labels(path), path)
    if suffix == PARQUET:
        from models.data import parquet  # slow to import

        return parquet.label_file(path)
    return encode_labels(tables.read_labels(path), path)


def refuse_label_name(path: Path, label_name: str | None) -> None:
    if label_name is not None:
        raise DataError(
            f"--labels {label_name}: {path} has no named columns or keys; give the "
            f"path of a file of labels ({', '.join(ARRAY_SUFFIXES + TABLE_SUFFIXES)})."
        )


# --- Arrays ---------------------------------------------------------------------------


def read_arrays(
    path: Path, label_key: str | None = None, data_key: str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The array of an .npy, or data and labels of an .npz, never with pickle."""
    with (
        reading(path, "an .npy or .npz file of plain numbers"),
        path.open("rb") as file,
    ):
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            refuse_label_name(path, label_key)
            return stored, None
        with stored:
            label_key = _label_key(path, stored.files, label_key)
            data_key = data_key or _data_key(path, stored.files, label_key)
            x = np.asarray(stored[data_key])
            labels = None if label_key is None else stored[label_key]
    return x, labels


def _stored_labels(path: Path) -> np.ndarray:
    """The array of an .npy, or the labels of an .npz, or its only array."""
    with reading(path, "an .npy or .npz file of labels"), path.open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return stored
        with stored:
            key = _label_key(path, stored.files, None)
            return stored[key or _data_key(path, stored.files, None)]


def _label_key(path: Path, keys: list[str], wanted: str | None) -> str | None:
    if wanted is not None and wanted not in keys:
        raise DataError(
            f"--labels {wanted}: {path} has no such key, only {', '.join(keys)}; "
            "give one of these, or the path of a file of labels."
        )
    return wanted or next((key for key in LABEL_KEYS if key in keys), None)


def _data_key(path: Path, keys: list[str], label_key: str | None) -> str:
    others = [key for key in keys if key != label_key and key not in LABEL_KEYS]
    for key in DATA_KEYS:
        if key in others:
            return key
    if len(others) != 1:
        raise DataError(
            f"{path}: cannot tell which array is the data, the keys are "
            f"{', '.join(keys) or 'none'}; save the data under the key 'x'."
        )
    return others[0]


# --- Labels ---------------------------------------------------------------------------


def encode_labels(raw: np.ndarray | None, where: Path, index=None):
    """Codes 0..n_classes-1 (n,) int64 of integers or text, and the names (or Nones).

    index: which of the labels each row has; `None` is one label a row.
    """
    if raw is None:
        return None, None
    raw = np.asarray(raw)
    raw = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
    if raw.ndim != 1 or raw.dtype.kind not in "biufU":
        raise DataError(
            f"{where}: expected integers or text, one label for each row, got "
            f"shape {raw.shape} and dtype {raw.dtype}."
        )
    values = _numeric(raw) if raw.dtype.kind == "U" else raw
    _check_labels(values, where, index)
    if values.dtype.kind == "f":
        values = values.astype(np.int64)
    names, codes = np.unique(values, return_inverse=True)
    codes = codes if index is None else codes[index]
    return codes.astype(np.int64), tuple(str(name) for name in names.tolist())


def _numeric(words: np.ndarray) -> np.ndarray:
    """Words that are all written as numbers as these numbers; else the words."""
    for dtype in (np.int64, np.float64):
        try:
            return words.astype(dtype)
        except (ValueError, OverflowError):
            continue
    return words


def _check_labels(values: np.ndarray, where: Path, index) -> None:
    """Refuses missing labels, and numbers that are not whole."""
    if values.dtype.kind == "U":
        bad = np.isin(np.char.lower(np.char.strip(values)), ("", "nan"))
    elif values.dtype.kind == "f":
        bad = ~np.isfinite(values) | (values != np.floor(values))
    else:
        return
    if bad.any():
        if index is not None:
            values, bad = values[index], bad[index]
        row = int(bad.argmax())
        raise DataError(
            f"{where}: {bad.sum()} labels are not integers or text, the first in row "
            f"{row} (counted from 0) is {values[row].item()!r}; give every row a label."
        )

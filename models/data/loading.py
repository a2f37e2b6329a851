"""`load`: a data set by its name, or from a file or folder of the user."""

import difflib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.blocks.ondisk_array import ArrayRows, Rows, from_memmap, slices
from models.data import features, files, tables
from models.data.builtin_datasets import NAMES, WITH_TEST_DATA, read_builtin
from models.data.dataset import Dataset
from models.data.errors import DataError, reading
from models.data.image_folders import open_images
from models.data.labels import NONE, encode_labels
from models.data.preprocessing import Preprocessing

LIMIT = 2**30  # bytes; a larger .npy file stays on disk


class Stored(NamedTuple):
    """Data as they are stored: an array or `Rows`, labels as codes, what was decided.

    `names` are those of the labels; `notes` say what was done to read the data.
    """

    values: Any
    labels: np.ndarray | None
    names: tuple[str, ...] | None
    preprocessing: Preprocessing | None = None
    notes: tuple[str, ...] = ()


def load(
    source: str | Path,
    labels: str | Path | None = None,
    image_size: int | tuple[int, ...] | None = None,
    split: str = "train",
    stream: bool | None = None,
    image_shape: tuple[int, ...] | None = None,
    *,
    columns: tuple[str, ...] | None = None,
    drop: tuple[str, ...] = (),
    resize: str = "stretch",
    standardize: bool = True,
    preprocessing: Preprocessing | None = None,
) -> Dataset:
    """Reads the data that `source` names, as float32.

    Tables, and arrays (n, d), are standardised. Images of integers 0..255 (0..16 of the
    digits) are divided by the value of white.

    Args:
        source: digits, mnist, fashion_mnist or serket; or NAME:PATH, the same from a
            downloaded mnist.npz; or the path of an .npz, .npy, .csv, .tsv, .txt, .xlsx
            or .parquet file or of a folder of images.
        labels: the column of a table, or the key of an .npz, with the labels; or the
            path of a file with one label for each row; or "none". `None` is a column or
            key with a usual name, or the sub-folders of a folder of images.
        image_size: the side, or (height, width), to resize a folder of images to.
        split: "train", or "test" for the test images of MNIST and Fashion-MNIST.
        stream: whether an .npy file or a folder of images stays on disk and is read as
            it is needed; `None` leaves .npy files of more than a GiB there.
        image_shape: (height, width) or (height, width, channels) of images that are
            stored as rows of columns: (16, 16) for 256 columns.
        columns: the names of the features of a table; `None` is all that can be.
        drop: names of columns of a table that are no features.
        resize: how images become `image_size`: "stretch", "crop" or "pad".
        standardize: whether tables are.
        preprocessing: of the data that a model was trained on, instead of what is
            decided from these; `image_size` to `standardize` are then not used.

    Raises:
        DataError: the data are missing, damaged or not numbers that a network can learn
            from, or an argument does not fit them. The message says what to change.
    """
    form, path = _resolve_source(str(source))
    in_a_file = Path(labels or "").suffix.lower() in files.SUFFIXES
    label_name = None if labels is None else NONE if in_a_file else str(labels)
    if stream is None:
        stream = form == ".npy" and path.stat().st_size > LIMIT
    if preprocessing is not None:
        image_shape = (preprocessing.image or {}).get("image_shape")
    options = {"image_size": image_size, "columns": columns, "drop": drop}
    _check_options(source, form, label_name, options, split, stream)
    if form in NAMES:
        stored = Stored(*read_builtin(form, path, split))
    elif form == "folder":
        stored = _read_folder(path, image_size, resize, preprocessing, not stream)
    elif form in tables.SUFFIXES:
        options = label_name, columns, drop, image_shape
        stored = _read_table(path, *options, preprocessing)
    else:
        stored = _read_array(path, label_name, stream)
    if in_a_file:
        codes, names = files.read_labels(Path(labels).expanduser())
        stored = stored._replace(labels=codes, names=names)
    elif label_name == NONE:
        stored = stored._replace(labels=None, names=None)
    rows = stored.values
    rows = rows if isinstance(rows, Rows) else ArrayRows(rows)
    _check_shape(rows, source)
    _set_image_shape(rows, image_shape, source)
    _check_labels(stored.labels, rows, labels if in_a_file else source)
    if preprocessing is None:
        decided = stored.preprocessing or _decide(rows, form, image_shape)
        is_standardized = standardize and decided.kind == "table"
        decided = replace(decided, standardize=is_standardized)
    _check_finite(rows, preprocessing or decided, source)
    fitted = preprocessing or decided.fit(rows)
    notes = stored.notes + _compare(rows, fitted, source)
    name = kind = form
    if form not in NAMES:
        path, kind = path.resolve(), "custom"
        name = path.name if form == "folder" else path.stem
    fields = rows, stored.labels, stored.names, fitted, notes, bool(stream)
    return Dataset(name, kind, *fields)


def _resolve_source(source):
    """(a built-in name, "folder" or a suffix; the path to read or None)."""
    if source in NAMES:
        return source, None
    name, colon, rest = source.partition(":")
    is_builtin = colon and name in NAMES
    path = Path(rest if is_builtin else source).expanduser()
    if is_builtin and name == "digits":
        raise DataError(f"{source}: comes with scikit-learn; leave out the path.")
    if not (path.is_file() if is_builtin else path.exists()):
        near = not is_builtin and difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "check the path."
        raise DataError(
            f"{source}: expected a file, a folder or one of {', '.join(NAMES)}, but "
            f"there is nothing of that name; {hint}"
        )
    if is_builtin or path.name == "mnist.npz":
        return name if is_builtin else "mnist", path
    form = "folder" if path.is_dir() else path.suffix.lower()
    if form not in ("folder", *files.SUFFIXES):
        raise DataError(
            f"{path}: unknown kind of file {path.suffix!r}; expected a folder of "
            f"images or one of {', '.join(files.SUFFIXES)}."
        )
    return form, path


def _check_options(source, form, label_name, options, split, stream):
    """Raises DataError for an option that is not for data of this form."""
    if form in (*NAMES, "folder", ".npy") and label_name not in (None, NONE):
        raise files.no_labels(label_name, source, [])
    if options.pop("image_size") is not None and form != "folder":
        raise DataError(f"--image-size is for a folder of images, not for {source}.")
    for name, value in options.items():
        if value and form not in tables.SUFFIXES:
            raise DataError(f"--{name} is for tables with a header, not for {source}.")
    if stream and form not in ("folder", ".npy"):
        raise DataError(
            "--stream is for an .npy file or a folder of images; others are read into "
            f"memory. Received: {source}. Leave it out, or save the numbers as .npy."
        )
    if split == "test" and form not in WITH_TEST_DATA:
        raise DataError(
            f"{source}: has no test data; score the training data with --split train, "
            "or other data with --data, or train with --test-fraction 0.2."
        )


def _read_folder(path, size, resize, preprocessing, decode):
    stored = (preprocessing.image if preprocessing else None) or {}
    size, resize = stored.get("size", size), stored.get("resize", resize)
    mode = stored.get("mode")
    rows, codes, names, notes = open_images(path, size, resize, mode, decode)
    image = {"size": rows.shape[1:3], "resize": resize, "mode": rows.mode}
    decided = Preprocessing("images", white=255, image=image)
    return Stored(rows, codes, names, decided, notes)


def _read_table(path, label_name, columns, drop, image_shape, preprocessing):
    table = tables.read(path, label_name)
    values = table.lists()
    if values is not None:
        return Stored(values, None, None, notes=table.notes)
    if preprocessing is not None and preprocessing.columns is not None:
        found = features.apply_columns(table, preprocessing, label_name)
    else:
        is_array = image_shape is not None or preprocessing is not None
        options = label_name, columns, drop
        found = features.choose_features(table, *options, keep_all=is_array)
    labels = encode_labels(found.labels, table.path)
    values, decided = found.values, found.preprocessing
    if image_shape is not None:
        decided = None
        if (values == np.round(values)).all():
            values = values.astype(np.int64)
    return Stored(values, *labels, decided, found.notes)


def _read_array(path, label_name, stream):
    if not stream:
        values, labels = files.read_arrays(path, label_name)
        return Stored(values, *encode_labels(labels, path))
    with reading(path, "an .npy file of plain numbers"):
        values = from_memmap(np.load(path, mmap_mode="r"))
    return Stored(values, None, None, notes=("read as they are needed",))


# --- Values, as `Rows` in memory or on disk -------------------------------------------


def _check_shape(rows, source):
    """Raises DataError unless rows are (n, d), (n, h, w) or (n, h, w, c) numbers."""
    if rows.ndim not in (2, 3, 4) or 0 in rows.shape:
        raise DataError(
            f"{source}: expected (rows, features) or images (rows, height, width) or "
            "(rows, height, width, channels), at least one row and one feature, got "
            f"shape {rows.shape}."
        )
    dtype = rows.read_raw(0, 0).dtype
    if dtype.kind not in "biuf":
        raise DataError(
            f"{source}: expected real numbers, got an array of dtype {dtype}; "
            "convert it to numbers first."
        )


def _check_labels(labels, rows, source):
    """Raises DataError unless there is one label for each row, or none at all."""
    if labels is not None and len(labels) != len(rows):
        raise DataError(
            f"{source}: expected one label for each of the {len(rows)} rows, got "
            f"{len(labels)} labels; give as many labels as rows."
        )


def _set_image_shape(rows, image_shape, source):
    """Makes rows of columns (n, h * w * c) images (n, h, w, c); None keeps them."""
    if image_shape is None:
        return
    size = math.prod(image_shape)
    is_valid = len(image_shape) in (2, 3) and min(image_shape) > 0
    if not is_valid or rows.shape[1:] not in ((size,), tuple(image_shape)):
        raise DataError(
            f"--image-shape: expected height, width and perhaps channels, of as many "
            f"values as a row of {source}, whose shape is {rows.shape[1:]}. "
            f"Received: {image_shape}, {size} values"
        )
    rows.shape = (len(rows), *image_shape)


def _decide(rows, form, image_shape) -> Preprocessing:
    """The preprocessing of arrays: a table if they are (n, d), else images."""
    if rows.ndim == 2:
        return Preprocessing("table")
    image = {"image_shape": list(image_shape)} if image_shape else None
    low, high = rows.raw_extremes
    white = 16 if form == "digits" else 255
    is_grey = rows.read_raw(0, 0).dtype.kind in "iu" and 0 <= low and 1 < high <= white
    return Preprocessing("images", white=white if is_grey else None, image=image)


def _compare(rows, stored: Preprocessing, source) -> tuple[str, ...]:
    """A note on the scale; DataError if a run was trained on values of another kind."""
    if stored.kind != ("images" if rows.ndim > 2 else "table"):
        raise DataError(
            f"{source}: this model was trained on data of the kind {stored.kind}, and "
            f"a row here has the shape {rows.shape[1:]}; give data like those."
        )
    if stored.kind == "table":
        return ()
    low, high = rows.raw_extremes
    if stored.white is None:
        return (f"values {low:g}..{high:g}",)
    if rows.read_raw(0, 0).dtype.kind in "iu":
        return (f"integers {low}..{high} divided by {stored.white}",)
    if not 0 <= low <= high <= 1:
        raise DataError(
            f"{source}: the model was trained on integers divided by {stored.white}; "
            f"expected these, or values in [0, 1]. Received: {low:g} to {high:g}"
        )
    return ("values in [0, 1], not divided again",)


def _check_finite(rows, preprocessing, source):
    """Raises DataError for values that are infinite, or NaN in images."""
    if rows.read_raw(0, 0).dtype.kind != "f":
        return
    n_bad, place, is_image = 0, None, preprocessing.kind == "images"
    kind = np.float64 if preprocessing.standardize else np.float32
    for part in slices(rows):
        values = rows.read_raw(part.start, part.stop)
        with np.errstate(over="ignore"):
            bad = np.isinf(values.astype(kind)) | (is_image & np.isnan(values))
        n_bad += np.count_nonzero(bad)
        if place is None and bad.any():
            row, *column = np.unravel_index(bad.argmax(), bad.shape)
            names = preprocessing.columns and preprocessing.entries
            column = [names[column[0]]] if names else column
            place = f"row {part.start + row}, column {', '.join(map(str, column))}"
    if n_bad:
        raise DataError(
            f"{source}: expected finite numbers, but {n_bad} values (the first in "
            f"{place}, counted from 0) are NaN, infinite or too large for float32; "
            "remove, replace or rescale them."
        )

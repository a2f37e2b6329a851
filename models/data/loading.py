"""`load`: a data set by its name, or from a file or folder of the user."""

import difflib
import math
from pathlib import Path

import numpy as np

from models.blocks.ondisk_array import ArrayRows, Rows, from_memmap, slices
from models.data import files
from models.data.builtin_datasets import NAMES, WITH_TEST_DATA, read_builtin
from models.data.dataset import Dataset
from models.data.errors import DataError, reading
from models.data.image_folders import open_images

LIMIT = 2**30  # bytes; a larger .npy file stays on disk


def load(
    source: str | Path,
    labels: str | Path | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    stream: bool | None = None,
    image_shape: tuple[int, ...] | None = None,
) -> Dataset:
    """Reads the data that `source` names, as float32.

    Integers 0..255 (0..16 of the digits) become 0..1; other values stay as they are.

    Args:
        source: digits, mnist, fashion_mnist or serket; or NAME:PATH, the same from a
            downloaded mnist.npz; or the path of an .npz, .npy, .csv, .txt or .parquet
            file or of a folder of images.
        labels: the column of a table, or the key of an .npz, with the labels; or the
            path of a file with one label for each row. `None` is a column or key with a
            usual name, or the sub-folders of a folder of images.
        image_size: the side, or (height, width), to resize a folder of images to.
        split: "train", or "test" for the test images of MNIST and Fashion-MNIST.
        stream: whether an .npy file or a folder of images stays on disk and is read as
            it is needed; `None` leaves .npy files of more than a GiB there.
        image_shape: (height, width) or (height, width, channels) of images that are
            stored as rows of columns: (16, 16) for 256 columns.

    Raises:
        DataError: the data are missing, damaged or not numbers that a network can learn
            from, or an argument does not fit them. The message says what to change.
    """
    form, path = _resolve_source(str(source))
    in_a_file = Path(labels or "").suffix.lower() in files.SUFFIXES
    label_name = None if in_a_file or labels is None else str(labels)
    if stream is None:
        stream = form == ".npy" and path.stat().st_size > LIMIT
    _check_options(source, form, label_name, image_size, split, stream)
    x, codes, label_names = _read(form, path, label_name, image_size, split, stream)
    if in_a_file:
        codes, label_names = files.read_labels(Path(labels).expanduser())
    rows = x if isinstance(x, Rows) else ArrayRows(x)
    _check_shape(rows, source)
    if codes is not None and len(codes) != len(rows):
        raise DataError(
            f"{labels if in_a_file else source}: expected one label for each of the "
            f"{len(rows)} rows, got {len(codes)} labels; give as many labels as rows."
        )
    _set_image_shape(rows, image_shape, source)
    note = _choose_scale(rows, 16 if form == "digits" else 255, source)
    if stream:
        note = f"{note}; read as they are needed".removeprefix("; ")
    x = rows if stream else rows[:]
    if form in NAMES:
        return Dataset(form, form, x, codes, label_names, note)
    stem = path.resolve().name if form == "folder" else path.resolve().stem
    return Dataset(stem, "custom", x, codes, label_names, note)


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
    return "folder" if path.is_dir() else path.suffix.lower(), path


def _check_options(source, form, label_name, image_size, split, stream):
    """Raises DataError for an option that is not for data of this form."""
    if form in (*NAMES, "folder", ".npy"):
        files.find_labels([], label_name, source)
    if image_size is not None and form != "folder":
        raise DataError(f"--image-size is for a folder of images, not for {source}.")
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


def _read(form, path, label_name, image_size, split, stream):
    """(the values as they are stored, an array or `Rows`; label codes; their names)."""
    if form in NAMES:
        return read_builtin(form, path, split)
    if form == "folder":
        return open_images(path, image_size)
    if not stream:
        return files.read(path, label_name)
    with reading(path, "an .npy file of plain numbers"):
        return from_memmap(np.load(path, mmap_mode="r")), None, None


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


def _choose_scale(rows, white, source):
    """Sets the scale of integers 0..white; returns a note on it, perhaps empty."""
    if rows.scale:
        return f"values divided by {rows.scale}"
    (low, high), kind = rows.raw_extremes, rows.read_raw(0, 0).dtype.kind
    if kind == "b":
        return "booleans read as 0 and 1"
    if kind == "f":
        with np.errstate(over="ignore"):
            if not np.isfinite(rows.extremes).all():
                raise _not_finite(rows, source)
    if kind == "f" or (low >= 0 and high <= 1):
        return ""
    if low < 0 or high > white:
        return f"integers {low}..{high} kept as they are"
    rows.scale = white
    return f"integers {low}..{high} divided by {white}"


def _not_finite(rows, source):
    """The error with the place of the first bad value and the number of them."""
    n_values, n_rows, place = 0, 0, None
    for part in slices(rows):
        bad = ~np.isfinite(rows[part])
        n_values += np.count_nonzero(bad)
        n_rows += np.count_nonzero(bad.reshape(len(bad), -1).any(axis=1))
        if place is None and bad.any():
            row, *column = np.unravel_index(bad.argmax(), bad.shape)
            place = f"row {part.start + row}, column {', '.join(map(str, column))}"
    return DataError(
        f"{source}: expected finite numbers, but {n_values} values in {n_rows} rows "
        f"(the first in {place}, counted from 0) are NaN, infinite or too large for "
        "float32; remove, replace or rescale them."
    )

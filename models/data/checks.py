"""Checks of rows of numbers, and what is decided on them."""

import math

import numpy as np

from models.blocks.ondisk_array import ArrayRows, Rows, slices
from models.data.errors import DataError
from models.data.preprocessing import Preprocessing


def as_rows(values, image_shape: tuple[int, ...] | None, source) -> Rows:
    """An array, or `Rows`, as `Rows` (n, d), (n, h, w) or (n, h, w, c) of numbers.

    image_shape: (h, w) or (h, w, c) of images that are stored as rows of columns.

    Raises DataError for other shapes, and for values that are no real numbers.
    """
    rows = values if isinstance(values, Rows) else ArrayRows(values)
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
    if image_shape is not None:
        _check_image_shape(rows, image_shape, source)
        rows.shape = (len(rows), *image_shape)
    return rows


def _check_image_shape(rows, image_shape, source):
    size = math.prod(image_shape)
    is_valid = len(image_shape) in (2, 3) and min(image_shape) > 0
    if not is_valid or rows.shape[1:] not in ((size,), tuple(image_shape)):
        raise DataError(
            f"--image-shape: expected height, width and perhaps channels, of as many "
            f"values as a row of {source}, whose shape is {rows.shape[1:]}. "
            f"Received: {tuple(image_shape)}, {size} values"
        )


def check_labels(labels: np.ndarray | None, rows: Rows, source) -> None:
    """Raises DataError unless there is one label for each row, or none at all."""
    if labels is not None and len(labels) != len(rows):
        raise DataError(
            f"{source}: expected one label for each of the {len(rows)} rows, got "
            f"{len(labels)} labels; give as many labels as rows."
        )


def decide(rows: Rows, form: str, image_shape=None) -> Preprocessing:
    """The preprocessing of arrays: a table if they are (n, d), else images.

    form: the name of a built-in data set, or a suffix. image_shape: as of `as_rows`.
    """
    if rows.ndim == 2:
        return Preprocessing("table")
    image = {"image_shape": list(image_shape)} if image_shape else {}
    if rows.ndim == 3 or rows.shape[-1] == 3:
        mode = "L" if rows.ndim == 3 else "RGB"
        image |= {"size": list(rows.shape[1:3]), "resize": "stretch", "mode": mode}
    low, high = rows.raw_extremes
    usual = 16 if form == "digits" else 255
    is_grey = rows.read_raw(0, 0).dtype.kind in "iu" and 0 <= low and high <= usual
    white = (usual if high > 1 else 1) if is_grey else None
    return Preprocessing("images", white=white, image=image or None)


def check_values(rows: Rows, preprocessing: Preprocessing, source) -> tuple[str, ...]:
    """A note on empty values; DataError if one is infinite, or an image has NaN."""
    if rows.read_raw(0, 0).dtype.kind != "f":
        return ()
    n_empty, n_bad, place = 0, 0, None
    for part in slices(rows):
        values = rows.read_raw(part.start, part.stop)
        empty = np.isnan(values)
        with np.errstate(over="ignore"):
            bad = np.isinf(values.astype(np.float32))
        if preprocessing.kind == "images":
            bad |= empty
        n_empty += np.count_nonzero(empty)
        n_bad += np.count_nonzero(bad)
        if place is None and bad.any():
            row, *entry = np.unravel_index(bad.argmax(), bad.shape)
            place = part.start + row, entry
    if n_bad:
        raise _not_finite(preprocessing, source, n_bad, *place)
    is_said = preprocessing.columns is not None or not n_empty
    return () if is_said else (f"{n_empty} empty values (NaN) read as the mean",)


def _not_finite(preprocessing, source, n_bad, row, entry):
    names = preprocessing.columns and preprocessing.entries
    column = names[entry[0]] if names else ", ".join(map(str, entry))
    return DataError(
        f"{source}: expected finite numbers, but {n_bad} values (the first in row "
        f"{row}, column {column}, counted from 0) are NaN, infinite or too large for "
        "float32; remove, replace or rescale them."
    )


def check_fits(
    rows: Rows, stored: Preprocessing, has_names: bool, source
) -> tuple[str, ...]:
    """Notes on data for a run; DataError if it was trained on data of another kind."""
    if stored.kind != ("images" if rows.ndim > 2 else "table"):
        raise DataError(
            f"{source}: this model was trained on {stored.kind}, and a row here has "
            f"the shape {rows.shape[1:]}; give data like those."
        )
    if stored.kind == "images":
        _check_scale(rows, stored.white, source)
        return ()
    d = len(stored.mean)
    if rows.shape[1:] != (d,):
        raise DataError(
            f"{source}: this model takes data of the shape ({d},), got "
            f"{rows.shape[1:]}; give data like the training data."
        )
    is_said = has_names or stored.columns is None
    return () if is_said else (f"no names; read as {', '.join(stored.entries)}",)


def _check_scale(rows, white, source):
    """Raises DataError for values that cannot be divided by white, nor are divided."""
    low, high = rows.raw_extremes
    top = white if rows.read_raw(0, 0).dtype.kind in "iu" else 1
    if white is not None and not 0 <= low <= high <= top:
        raise DataError(
            f"{source}: the model was trained on integers of 0 to {white}; expected "
            f"these, or values in [0, 1]. Received: {low:g} to {high:g}"
        )

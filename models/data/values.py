"""The values of a data set, as `Rows` in memory or on disk: shape and scale."""

import math

import numpy as np

from models.blocks.ondisk_array import Rows, slices
from models.data.errors import DataError


def check_shape(rows: Rows, source) -> None:
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


def set_image_shape(rows: Rows, image_shape: tuple[int, ...] | None, source) -> None:
    """Makes rows of columns (n, h * w * c) images (n, h, w, c).

    image_shape: (h, w) or (h, w, c); `None`, or the shape that the rows have already,
    changes nothing.
    """
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


def choose_scale(rows: Rows, white: int, source) -> str:
    """Divides integers 0..white by white, and says how values are converted, or "".

    Raises DataError for values that are not finite in float32.
    """
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

"""The values of a data set: their shape, and their conversion to float32."""

import math

import numpy as np

from models.blocks.ondisk_array import Rows, chunks, extremes
from models.data.errors import DataError


def check_shape(x, source) -> None:
    """Raises DataError unless x is (n, d), (n, h, w) or (n, h, w, c) real numbers."""
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"{source}: expected real numbers, got an array of dtype {x.dtype}; "
            "convert it to numbers first."
        )
    if x.ndim not in (2, 3, 4) or x.size == 0:
        raise DataError(
            f"{source}: expected (rows, features) or images (rows, height, width) or "
            "(rows, height, width, channels), at least one row and one feature, got "
            f"shape {x.shape}."
        )


def as_images(x, image_shape: tuple[int, ...] | None, source):
    """Rows of columns (n, h * w * c) as images (n, h, w, c); an array or `Rows`.

    image_shape: (h, w) or (h, w, c); `None`, or the shape that the rows have already,
    changes nothing.
    """
    if image_shape is None:
        return x
    size, shape = math.prod(image_shape), " x ".join(map(str, image_shape))
    is_valid = len(image_shape) in (2, 3) and min(image_shape) > 0
    if not is_valid or x.shape[1:] not in ((size,), tuple(image_shape)):
        received = " x ".join(map(str, x.shape[1:]))
        raise DataError(
            f"--image-shape {' '.join(map(str, image_shape))}: expected height, width "
            f"and perhaps channels, and rows of {shape} = {size} columns, but a row of "
            f"{source} has {received}; give a shape of as many values."
        )
    if not isinstance(x, Rows):
        return x.reshape(len(x), *image_shape)
    x.shape = (len(x), *image_shape)
    return x


def as_float32(x, dtype: np.dtype, white: int, source):
    """(x as float32, a note, its minimum and maximum); one pass and one copy.

    x: (n, ...), an array, or `Rows`, whose scale is set. dtype: of the values as they
    are stored. white: integers 0..white are divided by it.
    """
    is_on_disk, suffix = isinstance(x, Rows), "read as they are needed"
    if is_on_disk and x.scale:
        return x, f"values divided by {x.scale}, {suffix}", x.extremes
    with np.errstate(over="ignore"):
        bounds = x.extremes if is_on_disk else extremes(x)
        scale, note = _scaling(dtype, *bounds, white)
        bounds = np.array(bounds).astype(np.float32)
        if not np.isfinite(bounds).all():
            raise _not_finite(x, source)
    bounds = tuple(bounds / np.float32(scale or 1))
    if is_on_disk:
        x.scale, x.extremes = scale, bounds
        return x, f"{note}; {suffix}" if note else suffix, bounds
    x = np.ascontiguousarray(x, np.float32)
    if scale:
        x /= np.float32(scale)  # integers were copied
    return x, note, bounds


def _scaling(dtype, low, high, white):
    """(the number to divide by, or None; a note) for values from low to high."""
    if dtype.kind == "b":
        return None, "booleans read as 0 and 1"
    if dtype.kind == "f" or (low >= 0 and high <= 1):
        return None, ""
    integers = f"integers {int(low)}..{int(high)}"
    if low < 0 or high > white:
        return None, f"{integers} kept as they are"
    return white, f"{integers} divided by {white}"


def _not_finite(x, source):
    """The error with the place of the first bad value and the number of them."""
    n_values, n_rows, place, start = 0, 0, None, 0
    for part in chunks(x):
        bad = ~np.isfinite(np.asarray(part, np.float32))
        n_values += np.count_nonzero(bad)
        n_rows += np.count_nonzero(bad.reshape(len(bad), -1).any(axis=1))
        if place is None and bad.any():
            row, *column = np.unravel_index(bad.argmax(), bad.shape)
            place = f"row {start + row}, column {', '.join(map(str, column))}"
        start += len(part)
    return DataError(
        f"{source}: expected finite numbers, but {n_values} values in {n_rows} rows "
        f"(the first in {place}, counted from 0) are NaN, infinite or too large for "
        "float32; remove, replace or rescale them."
    )

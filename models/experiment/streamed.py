"""Data that stay on disk: large .npy files, and folders of images.

They become `models.blocks.rows.Rows`. All values are looked at once, a part at a time,
and refused as those of small files are. Of images only the sizes are looked at; what
else is wrong with one is said when it is read.
"""

import numpy as np

from models.blocks.rows import chunks, of_map
from models.experiment import images
from models.experiment.errors import DataError, reading

LIMIT = 2**30  # bytes of an .npy from which on it stays on disk


def is_wanted(path, stream):
    """Whether the data stay on disk; as asked, or for `None` by size."""
    is_npy = path is not None and path.suffix.lower() == ".npy"
    if stream is None:
        return is_npy and path.is_file() and path.stat().st_size > LIMIT
    if stream and not is_npy and not (path and path.is_dir()):
        raise DataError(
            "--stream is for an .npy file or a folder of images. "
            f"Received: {path or 'a data set that has no file'}"
        )
    return stream


def open_rows(path, image_size):
    """(`Rows`, label codes, label names, a note), of a file or a folder."""
    if path.is_dir():
        rows, codes, names = images.open_images(path, image_size)
        return rows, codes, names, "pixels divided by 255, read as they are needed"
    if image_size is not None:
        raise DataError(f"--image-size is for a folder of images, which {path} is not.")
    rows, note = numbers(path)
    return rows, None, None, "; ".join([*note, "read as they are needed"])


def open_map(path):
    """The memory map of an .npy file, its dtype and shape not looked at yet."""
    with reading(path, "an .npy file of plain numbers"):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def numbers(path):
    """`Rows` of an .npy, integers 0..255 as 0..1, and notes on what was done."""
    array = open_map(path)
    rows = of_map(array)
    with np.errstate(over="ignore"):
        low, high = rows.extremes
        if not np.isfinite([low, high]).all():
            raise not_finite(rows, path)
    if array.dtype.kind not in "iu" or low < 0 or not 1 < high <= 255:
        kept = int(array.dtype.kind in "iu" and (low < 0 or high > 255))
        return rows, [f"integers {low:.0f}..{high:.0f} kept as they are"] * kept
    scaled = of_map(array, white=255)
    scaled.extremes = tuple(scaled.finish(np.array([low, high])))
    return scaled, [f"integers {low:.0f}..{high:.0f} divided by 255"]


def not_finite(rows, path):
    """The error that says where the first bad value is, and how many there are."""
    bad, first, start = 0, None, 0
    for part in chunks(rows):
        wrong = ~np.isfinite(part)
        bad += np.count_nonzero(wrong)
        if first is None and wrong.any():
            first = start + int(wrong.reshape(len(part), -1).any(axis=1).argmax())
        start += len(part)
    return DataError(
        f"{path}: expected finite numbers, but {bad} values (the first in row {first}, "
        "counted from 0) are NaN, infinite or too large for float32; remove or replace "
        "them."
    )

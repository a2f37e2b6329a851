"""Data that stay on disk: .npy files, Parquet tables, and folders of images.

They become `models.blocks.ondisk_array.Rows`. All values are looked at once, a part at
a time, and refused as those of small files are. Of images only the sizes are looked at; what
else is wrong with one is said when it is read.

Which rows make a batch follows from the seed and the steps trained, so any row must be
reached at once. In a Parquet table that cannot be, for its rows are packed by the
million: it is unpacked first, into a temporary file. TFRecord is not read: it says
neither how many rows it has nor their shape.
"""

import numpy as np

from models.blocks.ondisk_array import chunks, from_memmap
from models.data import files, image_folders
from models.data.errors import DataError, reading

LIMIT = 2**30  # bytes of numbers from which on a file stays on disk


def is_wanted(path, stream, label_name=None):
    """Whether the data stay on disk; as asked, or for `None` by size."""
    suffix = path.suffix.lower() if path and path.is_file() else None
    if (
        stream
        and suffix not in (".npy", files.PARQUET)
        and not (path and path.is_dir())
    ):
        raise DataError(
            "--stream is for an .npy or a .parquet file or a folder of images. "
            f"Received: {path or 'a data set that has no file'}"
        )
    if stream is not None:
        return stream
    if suffix == files.PARQUET:
        return open_file(path, label_name).nbytes > LIMIT
    return suffix == ".npy" and path.stat().st_size > LIMIT


def open_rows(path, label_name, image_size):
    """(`Rows`, label codes, label names, a note), of a file or a folder."""
    if path.is_dir():
        files.refuse_label_name(path, label_name)
        rows, codes, names = image_folders.open_images(path, image_size)
        return rows, codes, names, "pixels divided by 255, read as they are needed"
    if image_size is not None:
        raise DataError(f"--image-size is for a folder of images, which {path} is not.")
    stored = open_file(path, label_name)
    if path.suffix.lower() == files.PARQUET:
        codes, names = stored.labels()
        rows, how = stored.unpacked(), ["unpacked into a temporary file"]
    else:
        rows, codes, names, how = from_memmap(stored), None, None, []
    notes = [*scaled(rows, stored.dtype, path), *how, "read as they are needed"]
    return rows, codes, names, "; ".join(notes)


def open_file(path, label_name):
    """The map of an .npy file or the `parquet.Table`, its values not looked at yet."""
    if path.suffix.lower() == files.PARQUET:
        from models.data.parquet import Table  # slow to import

        return Table(path, label_name)
    files.refuse_label_name(path, label_name)
    with reading(path, "an .npy file of plain numbers"):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def scaled(rows, kind, path):
    """Has integers 0..255 read as 0..1; returns notes on what was done.

    kind: the dtype of the stored values.
    """
    with np.errstate(over="ignore"):
        low, high = rows.extremes
        if not np.isfinite([low, high]).all():
            raise not_finite(rows, path)
    if kind.kind not in "iu" or (low >= 0 and high <= 1):
        return []
    if low < 0 or high > 255:
        return [f"integers {low:.0f}..{high:.0f} kept as they are"]
    rows.scale = 255
    rows.extremes = tuple(rows.scaled(np.array([low, high])))
    return [f"integers {low:.0f}..{high:.0f} divided by 255"]


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

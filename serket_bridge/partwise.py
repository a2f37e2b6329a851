"""Work on messages part by part, when the data stay on disk.

Messages about data in memory are arrays in memory, and there is one part: all of it.
Messages about data on disk (`models.blocks.ondisk_array.Rows`) are float32 files
that are written a part at a time, read a part at a time, and gone with the message
(`models.blocks.temporary_array`).
"""

from models.blocks.ondisk_array import Rows, slices
from models.blocks.temporary_array import TemporaryRows


def parts(array):
    """The slices to work on one after another, of (n, ...)."""
    return slices(array) if isinstance(array, Rows) else [slice(None)]


def kept(values, on_disk):
    """One array, or `Rows`, for each of the arrays that every part gives.

    values: tuples of arrays of equally many rows, or `None`, one tuple a part.
    """
    if not on_disk:
        (only,) = values
        return only
    columns = None
    for arrays in values:
        columns = columns or [
            None if a is None else TemporaryRows(a.shape[1:]) for a in arrays
        ]
        for column, array in zip(columns, arrays, strict=True):
            if column is not None:
                column.append(array)
    return tuple(columns)

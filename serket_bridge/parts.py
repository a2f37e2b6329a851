"""Work on messages part by part, when the data stay on disk.

Messages about data in memory are arrays in memory, and there is one part: all of it.
Messages about data on disk (`models.blocks.rows.Rows`) are float32 files that are
written a part at a time, read a part at a time, and removed with the message. They lie
in the system's folder for temporary files, which `TMPDIR` names; only a process that is
killed leaves them there.
"""

import os
import tempfile
import weakref

import numpy as np

from models.blocks.rows import FileRows, Rows, slices


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
        columns = columns or [None if a is None else Column() for a in arrays]
        for column, array in zip(columns, arrays, strict=True):
            if column is not None:
                column.append(array)
    return tuple(column and column.rows() for column in columns)


class Column:
    """A file that grows by rows."""

    def __init__(self):
        handle, self.path = tempfile.mkstemp(".rows", "messages-")
        self.file, self.n = os.fdopen(handle, "wb"), 0
        self.remove = weakref.finalize(self, os.unlink, self.path)

    def append(self, array):
        np.ascontiguousarray(array, np.float32).tofile(self.file)
        self.n, self.shape = self.n + len(array), array.shape[1:]

    def rows(self):
        """All of them; the file goes when they do."""
        self.file.close()
        self.remove.detach()
        rows = FileRows(self.path, np.float32, (self.n, *self.shape))
        weakref.finalize(rows, os.unlink, self.path)
        return rows

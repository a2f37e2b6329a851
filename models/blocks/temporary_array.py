"""Rows in a temporary file, written a part at a time.

The file lies in the system's folder for temporary files, which `TMPDIR` names. It has
no name there: it goes with its rows, or with the process, however that ends.
"""

import os
import tempfile
import threading
import weakref

import numpy as np

from models.blocks.ondisk_array import Rows


class TemporaryRows(Rows):
    """Rows of a file that grows.

    shape: of one row, and of all once they are appended; kind: the dtype in the file.
    """

    def __init__(self, shape, kind=np.float32):
        self.file = tempfile.TemporaryFile(buffering=0)
        weakref.finalize(self, self.file.close)
        self.shape, self.kind = (0, *shape), np.dtype(kind)
        self.lock = threading.Lock()  # a file has one position for all who read

    def append(self, values):
        with self.lock:
            self.file.seek(0, os.SEEK_END)
            np.ascontiguousarray(values, self.kind).tofile(self.file)
        self.shape = (len(self) + len(values), *self.shape[1:])

    def read_raw(self, first, last):
        each = int(np.prod(self.shape[1:]))
        count = max(last - first, 0) * each
        with self.lock:
            self.file.seek(first * each * self.kind.itemsize)
            values = np.fromfile(self.file, self.kind, count)
        return values.reshape(-1, *self.shape[1:])

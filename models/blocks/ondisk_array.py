"""Rows that stay on disk, and are read a part at a time.

An object of `Rows` stands where an array (n, ...) would: it has its `shape`, `len` and
slices, and a slice is an array in memory. Files are read, not mapped: pages of a map
count as the process's own until the machine runs short, and a bound on memory would
then be no bound.
"""

import math
import mmap
from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

CHUNK = 32 * 2**20  # bytes read at once where all rows are passed through
MOST_ROWS = 2**16  # at once: of a short row much may be computed


class Shaped:
    """What has a `shape`, and with it all that an array tells of it."""

    shape: tuple

    def __len__(self):
        return self.shape[0]

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return math.prod(self.shape)


class Rows(Shaped, ABC):
    """n rows of one shape, (n, ...), float32 unless said otherwise.

    A source has `shape`, `stored` and, if its values are not yet what a network takes,
    `white`: what they are divided by.
    """

    dtype = np.dtype(np.float32)
    white = None

    @abstractmethod
    def stored(self, first, last):
        """The values of rows first to last - 1, as they are stored."""

    def finish(self, values):
        """Stored values as a network takes them."""
        values = np.asarray(values, self.dtype)
        return values if self.white is None else values / self.dtype.type(self.white)

    def __getitem__(self, rows):
        """Rows of a slice, or of an array of indices or truths, in memory."""
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step == 1:
                return self.finish(self.stored(first, max(first, last)))
            rows = range(first, last, step)
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        if np.any((rows < -len(self)) | (rows >= len(self))):
            raise IndexError(f"rows must be among {len(self)}. Received: {rows}")
        rows = np.where(rows < 0, rows + len(self), rows)
        parts = [self.stored(row, row + 1) for row in rows.ravel().tolist()]
        values = self.finish(np.concatenate(parts or [self.stored(0, 0)]))
        return values.reshape(*rows.shape, *self.shape[1:])

    def __array__(self, dtype=None, copy=None):
        """All rows, in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)

    def part(self, first, last):
        """Rows first to last - 1, still on disk."""
        return Part(self, first, last)

    @cached_property
    def extremes(self):
        """(the smallest value, the largest), NaN if any is; one pass over all rows."""
        lows, highs = zip(*((c.min(), c.max()) for c in chunks(self)), strict=True)
        return np.min(lows), np.max(highs)

    def min(self):
        return self.extremes[0]

    def max(self):
        return self.extremes[1]


class Part(Rows):
    """Some rows of others that follow each other."""

    def __init__(self, rows, first, last):
        self.rows, self.first = rows, first
        self.shape = (last - first, *rows.shape[1:])
        self.dtype, self.white = rows.dtype, rows.white

    def stored(self, first, last):
        return self.rows.stored(self.first + first, self.first + last)


class FileRows(Rows):
    """Rows of a file that holds nothing else after its first `offset` bytes.

    path, kind, shape, offset: the file, the dtype in it, (n, ...), in bytes; rows lie
    in C order. white: what the values are divided by. dtype: what a slice gives.
    """

    def __init__(self, path, kind, shape, offset=0, white=None, dtype=np.float32):
        self.path, self.kind, self.shape = path, np.dtype(kind), tuple(shape)
        self.offset, self.white, self.dtype = offset, white, np.dtype(dtype)

    def stored(self, first, last):
        each = int(np.prod(self.shape[1:]))
        start = self.offset + first * each * self.kind.itemsize
        count = max(last - first, 0) * each
        values = np.fromfile(self.path, self.kind, count, offset=start)
        return values.reshape(-1, *self.shape[1:])


class MapRows(Rows):
    """Rows of a memory map that is a part of its file, or not in C order."""

    def __init__(self, array, white=None, dtype=np.float32):
        self.array, self.shape = array, array.shape
        self.white, self.dtype = white, np.dtype(dtype)

    def stored(self, first, last):
        return np.array(self.array[first:last])


class Binarized(Rows):
    """Values in [0, 1] of an array or of rows: 1 with that probability, else 0.

    The draws belong to blocks of rows: a row is the same however it is read.
    """

    def __init__(self, rows, seed, block=256):
        self.rows, self.seed, self.block, self.shape = rows, seed, block, rows.shape

    def stored(self, first, last):
        begin = first // self.block
        end = max(begin + 1, -(-last // self.block))
        u = np.concatenate([self.uniform(block) for block in range(begin, end)])
        start = first - begin * self.block
        return u[start : start + max(last - first, 0)] < self.rows[first:last]

    def uniform(self, block):
        rng = np.random.default_rng((self.seed, block))
        return rng.random((self.block, *self.shape[1:]), np.float32)


def of_map(array, white=None, dtype=np.float32):
    """A memory map, `np.load(path, mmap_mode="r")`, as `Rows`."""
    whole = isinstance(array.base, mmap.mmap)  # the offset of a view is another's
    if not whole or not array.flags.c_contiguous or array.filename is None:
        return MapRows(array, white, dtype)
    return FileRows(
        array.filename, array.dtype, array.shape, array.offset, white, dtype
    )


def on_disk(array):
    """An array, or the `Rows` of a memory map."""
    return of_map(array) if isinstance(array, np.memmap) else array


def is_on_disk(array):
    return isinstance(array, Rows | np.memmap)


def chunks(array, size=CHUNK):
    """One part of (n, ...) after another, each of at most so many bytes, in memory."""
    for part in slices(array, size):
        yield array[part]


def slices(array, size=CHUNK):
    """The slices of `chunks`."""
    row = int(np.prod(array.shape[1:])) * np.dtype(array.dtype).itemsize
    count = max(1, min(size // max(row, 1), MOST_ROWS))
    for first in range(0, len(array), count):
        yield slice(first, min(first + count, len(array)))

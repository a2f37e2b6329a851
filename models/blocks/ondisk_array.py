"""Arrays that stay on disk and are read in parts.

A `Rows` object stands in for an array (n, ...): it has `shape`, `len` and slices, and a
slice is an array in memory. Files are read, not memory-mapped: the pages of a map count
towards the memory of the process until the machine runs short.
"""

import math
import mmap
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from models.deprecated import warn

CHUNK = 32 * 2**20  # bytes of a slice of `slices`
MAX_ROWS = 2**16  # of a slice: a short row may need many intermediate values
BLOCK = 256  # rows of `Binarized` with one random stream


class Rows(ABC):
    """n rows of one shape, read when they are indexed, as float32.

    A subclass defines `shape` and `read_raw`.

    Attributes:
        shape: (n, ...).
        scale: the number that raw values are divided by, or `None`.
    """

    shape: tuple[int, ...]
    dtype = np.dtype(np.float32)
    scale: float | None = None

    @abstractmethod
    def read_raw(self, first: int, last: int) -> np.ndarray:
        """The values of rows first to last - 1 as they are stored."""

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Raw values as float32, divided by `scale`."""
        if self.scale is None:
            return np.asarray(values, self.dtype, order="C")
        return np.divide(values, np.float32(self.scale), dtype=self.dtype, order="C")

    def __len__(self):
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __getitem__(self, rows):
        """The rows of a slice, an index, or an array of indices or booleans."""
        return self.scaled(self.raw(rows))

    def raw(self, rows) -> np.ndarray:
        """The values as they are stored, indexed in the same ways."""
        if isinstance(rows, slice) and rows.step in (None, 1):
            first, last, _ = rows.indices(len(self))
            return self.read_raw(first, max(first, last))
        rows = np.arange(len(self))[rows]
        parts = [self.read_raw(row, row + 1) for row in rows.ravel().tolist()]
        values = np.concatenate(parts or [self.read_raw(0, 0)])
        return values.reshape(*rows.shape, *self.shape[1:])

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype, copy=False)

    @cached_property
    def raw_extremes(self) -> tuple:
        """(minimum, maximum) as stored, NaN if a value is; all rows are read once."""
        chunks = (self.read_raw(rows.start, rows.stop) for rows in slices(self))
        pairs = [(chunk.min(), chunk.max()) for chunk in chunks]
        return np.min(pairs), np.max(pairs)

    @property
    def extremes(self) -> tuple[float, float]:
        """(minimum, maximum), NaN if a value is."""
        return tuple(self.scaled(np.array(self.raw_extremes)))


class View(Rows):
    """Rows first to last - 1 of another `Rows`, still on disk."""

    def __init__(self, rows: Rows, first: int, last: int):
        self.rows, self.first, self.scale = rows, first, rows.scale
        self.shape = (last - first, *rows.shape[1:])

    def read_raw(self, first, last):
        return self.rows.read_raw(self.first + first, self.first + last)


class FileRows(Rows):
    """Rows (n, ...) of a file, of this dtype, in C order, from `offset` bytes on."""

    def __init__(self, path, kind, shape, offset=0, scale=None):
        self.path, self.kind, self.shape = path, np.dtype(kind), tuple(shape)
        self.offset, self.scale = offset, scale

    def read_raw(self, first, last):
        row_size = math.prod(self.shape[1:])
        start = self.offset + first * row_size * self.kind.itemsize
        count = max(last - first, 0) * row_size
        values = np.fromfile(self.path, self.kind, count, offset=start)
        return values.reshape(-1, *self.shape[1:])


class ArrayRows(Rows):
    """Rows of an array, or of a memory map that is a part of its file or not in C."""

    def __init__(self, array: np.ndarray, scale=None):
        self.array, self.shape, self.scale = array, array.shape, scale

    def read_raw(self, first, last):
        return self.array[first:last].reshape(-1, *self.shape[1:])


class Binarized(Rows):
    """Samples of 0 and 1 whose probabilities are the values of an array or of `Rows`.

    Random numbers belong to blocks of rows, so a row has the same sample in every read.

    Args:
        rows: (n, ...), values in [0, 1].
        seed: an integer.
    """

    raw_extremes = (False, True)

    def __init__(self, rows, seed: int):
        self.rows, self.seed, self.shape = rows, seed, rows.shape

    def read_raw(self, first, last):
        begin = first // BLOCK
        end = max(begin + 1, -(-last // BLOCK))
        u = np.concatenate([self._uniform(block) for block in range(begin, end)])
        start = first - begin * BLOCK
        return u[start : start + max(last - first, 0)] < self.rows[first:last]

    def _uniform(self, block):
        rng = np.random.default_rng((self.seed, block))
        return rng.random((BLOCK, *self.shape[1:]), np.float32)


def from_memmap(array: np.memmap, scale: float | None = None) -> Rows:
    """A memory map, `np.load(path, mmap_mode="r")`, as `Rows`.

    Args:
        array: (n, ...).
        scale: the number that values are divided by; 255 for pixels in bytes.
    """
    is_whole = isinstance(array.base, mmap.mmap)  # a view has the offset of its base
    if not is_whole or not array.flags.c_contiguous or array.filename is None:
        return ArrayRows(array, scale)
    return FileRows(array.filename, array.dtype, array.shape, array.offset, scale)


def of_map(array: np.memmap, white: float | None = None) -> Rows:
    """The former name of `from_memmap`."""
    warn("of_map(array, white)", "from_memmap(array, scale)")
    return from_memmap(array, white)


def wrap_memmap(array):
    """`Rows` of a memory map; any other array as it is."""
    return from_memmap(array) if isinstance(array, np.memmap) else array


def is_on_disk(array) -> bool:
    """Whether an array is read when it is indexed."""
    return isinstance(array, Rows | np.memmap)


def extremes(array) -> tuple[float, float]:
    """(minimum, maximum) of an array without its NaN, or of `Rows`, read in parts."""
    if isinstance(array, Rows):
        return array.extremes
    return np.nanmin(array), np.nanmax(array)


def slices(array, size: int = CHUNK) -> Iterator[slice]:
    """Consecutive slices of (n, ...), each of at most `size` bytes."""
    row_size = math.prod(array.shape[1:]) * np.dtype(array.dtype).itemsize
    count = max(1, min(size // max(row_size, 1), MAX_ROWS))
    for first in range(0, len(array), count):
        yield slice(first, min(first + count, len(array)))

"""Parquet tables: columns of numbers, or one of lists of numbers, and perhaps labels.

A table is read from its first row to its last, some rows at a time. In memory are
these rows and, of each column, what Parquet decodes at once: a page and a dictionary,
of a MiB each as most programs write them, however large the row groups are. So a
thousand columns take some 2 GB, one column of lists of a thousand 0.2 GB. The index
that pandas keeps beside its columns is not read.
"""

import math
import shutil
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from models.blocks.ondisk_array import CHUNK, MAX_ROWS
from models.blocks.temporary_array import TemporaryRows
from models.data import files, tables
from models.data.errors import DataError, reading

BUFFER = 2**16  # bytes of a column that are read from the file at once
MOST_NAMED = 5  # columns in a message


class Table:
    """The numbers of a Parquet file.

    Args:
        path: the file.
        label_column: the column of labels, which are not among the numbers; `None` is
            one with a usual name, if there is any.

    Attributes:
        shape: (n, features); of lists (n, length), of lists of lists (n, h, w).
        dtype: one that holds the numbers of all columns.
        label: the name of the column of labels, or `None`.
    """

    def __init__(self, path, label_column=None):
        self.path, self.file = path, opened(path)
        schema = self.file.schema_arrow
        index = tables.label_index(schema.names, label_column)
        if label_column is not None and index is None:
            tables.refuse_column(path, label_column, schema.names)
        self.label = None if index is None else schema.names[index]
        others = {self.label, *pandas_index(schema)}
        fields = [field for field in schema if field.name not in others]
        check_columns(path, fields)
        self.names = [field.name for field in fields]
        kinds = [innermost(field.type).to_pandas_dtype() for field in fields]
        self.dtype = np.result_type(*kinds)
        self.has_lists = any(is_list(field.type) for field in fields)
        row = self._lengths(fields[0].type) if self.has_lists else (len(fields),)
        self.shape = (self.file.metadata.num_rows, *row)

    def _lengths(self, kind):
        """The lengths of the lists, and of lists in them, in the first row."""
        row, lengths = None, []
        for first, batch in self._batches(1):
            column, name = batch.column(0), self.names[0]
            refuse(missing(column), column, "a list", self.path, name, first, 1)
            row = column[0].as_py()
            break
        while is_list(kind):
            lengths.append(len(row or []))
            kind, row = kind.value_type, row and row[0]
        return lengths

    @property
    def nbytes(self):
        return self.size * self.dtype.itemsize

    def array(self):
        """All numbers, in memory."""
        x, first = np.empty(self.shape, self.dtype), 0
        for part in self.parts():
            x[first : first + len(part)] = part
            first += len(part)
        return x

    def unpacked(self):
        """All numbers as `TemporaryRows`, float64 rounded to float32."""
        kind = np.dtype(np.float32) if self.dtype == np.float64 else self.dtype
        check_space(self.path, self.size * kind.itemsize)
        rows = TemporaryRows(self.shape[1:], kind)
        for part in self.parts():
            with np.errstate(over="ignore"):
                rows.append(part.astype(kind, copy=False))
        return rows

    def parts(self):
        """One array (rows, ...) of numbers after another."""
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        size = max(1, min(CHUNK // max(row, 1), MAX_ROWS))
        for first, batch in self._batches(size):
            columns = [self._numbers(name, batch, first) for name in self.names]
            if self.has_lists:
                yield columns[0].astype(self.dtype, copy=False)
            else:
                yield np.stack(columns, axis=1, dtype=self.dtype)

    def labels(self):
        """As the function `labels`, of its own column; without one `None` twice."""
        return (None, None) if self.label is None else labels(self.path, self.label)

    def _batches(self, size):
        return batches(self.path, self.file, self.names, size)

    def _numbers(self, name, batch, first):
        """The numbers of one column, (rows,) or (rows, *lengths), all finite."""
        column, where = batch.column(name), (self.path, name, first, len(batch))
        shape = (len(batch), *(self.shape[1:] if self.has_lists else ()))
        for length in shape[1:]:
            lengths = pc.list_value_length(column).fill_null(-1).to_numpy()
            expected = f"a list of {length} as in the first row"
            refuse(lengths != length, column, expected, *where)
            column = column.flatten()
        values = column.to_numpy(zero_copy_only=False)
        bad = missing(column) if column.null_count else ~np.isfinite(values)
        refuse(bad, column, "a finite number", *where)
        return values.reshape(shape)


def labels(path, name):
    """Codes and names, as `files.encode_labels`, of a column."""
    file, encoded = opened(path), []
    kind = file.schema_arrow.field(name).type
    kind = kind.value_type if types.is_dictionary(kind) else kind
    if not (is_number(kind) or is_text(kind)):
        raise DataError(
            f"{path}: expected integers or text as labels, but the column {name!r} "
            f"holds {kind}; name another with --labels."
        )
    for first, batch in batches(path, file, [name], MAX_ROWS):
        column = batch.column(name)
        refuse(missing(column), column, "a label", path, name, first, len(batch))
        encoded.append(column.cast(kind).dictionary_encode())
    whole = pa.chunked_array(encoded, pa.dictionary(pa.int32(), kind)).combine_chunks()
    words = np.array(whole.dictionary.to_pylist())
    return files.encode_labels(words, path, whole.indices.to_numpy())


def label_file(path):
    """As `labels`, of the only column, or of one with a usual name for labels."""
    names = opened(path).schema_arrow.names
    index = tables.label_index(names)
    if index is None and len(names) != 1:
        raise tables.which_labels(path, len(names))
    return labels(path, names[index or 0])


# --- Rows -----------------------------------------------------------------------------


def batches(path, file, names, size):
    """(the number of its first row, the columns of these names) of each `size` rows."""
    first = 0
    with reading(path, "a Parquet table"):
        for batch in file.iter_batches(size, columns=names, use_threads=False):
            yield first, batch
            first += len(batch)
    pa.default_memory_pool().release_unused()  # some 2 MB a column


def missing(column):
    return column.is_null().to_numpy(zero_copy_only=False)


def refuse(bad, column, expected, path, name, first, n_rows):
    """DataError for the first bad value of a column, that of some rows from `first`."""
    if not bad.any():
        return
    place = int(bad.argmax())
    row, value = first + place * n_rows // len(bad), column[place].as_py()
    found = f"a list of {len(value)}" if isinstance(value, list) else value
    raise DataError(
        f"{path}: row {row} (counted from 0), column {name!r} holds "
        f"{'null' if value is None else found}, expected {expected}; fill it in, or "
        "leave out the row."
    )


def check_space(path, nbytes):
    """Refuses to unpack more than there is room for."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if nbytes > free:
        raise DataError(
            f"{path}: to stay on disk it is unpacked into a temporary file of "
            f"{nbytes / 1e9:.1f} GB, but {folder} has room for {free / 1e9:.1f} GB; "
            "let the environment variable TMPDIR name another folder."
        )


# --- Columns --------------------------------------------------------------------------


def opened(path):
    """The Parquet file, of which the description of its columns is read."""
    with reading(path, "a Parquet table"):
        file = pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False)
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"{path}: expected columns of different names, but {twice!r} is the name "
            f"of {names.count(twice)}; rename them."
        )
    return file


def check_columns(path, fields):
    """Refuses what is neither columns of numbers nor one column of lists of them."""
    if not fields:
        raise DataError(f"{path}: expected columns of numbers, but there are none.")
    others = [f for f in fields if not is_number(innermost(f.type))]
    if others:
        raise DataError(
            f"{path}: expected columns of integers, floats or booleans, or one of "
            f"lists of them, but there is {said(others)}; convert it, leave it out, or "
            "name a column of labels with --labels."
        )
    if len(fields) > 1 and any(is_list(f.type) for f in fields):
        raise DataError(
            f"{path}: expected one column of lists and no other but labels, or columns "
            f"of numbers, but there is {said(fields)}; keep one of the two kinds."
        )


def said(fields):
    words = [f"{f.name!r} ({f.type})" for f in fields[:MOST_NAMED]]
    more = len(fields) - len(words)
    return ", ".join(words) + (f" and {more} more" if more else "")


def is_text(kind):
    return types.is_string(kind) or types.is_large_string(kind)


def pandas_index(schema):
    """The names of the columns that pandas made of the index of a DataFrame."""
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    return [name for name in index if isinstance(name, str)]


def is_number(kind):
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)


def is_list(kind):
    return (
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
    )


def innermost(kind):
    """What the lists hold, or the lists in them; the kind itself of no lists."""
    while is_list(kind):
        kind = kind.value_type
    return kind

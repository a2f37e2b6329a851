"""Tables as they are stored: text, .csv .tsv .txt; Excel, .xlsx; .parquet."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from models.checks import check_size, check_unpacked
from models.data.columns import to_words
from models.data.errors import DataError, reading
from models.data.layout import clean_rows, find_layout
from models.data.text_tables import N_RECORDS, read_text

TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT, ".xlsx", ".parquet")


@dataclass
class Table:
    """A pandas.DataFrame whose columns have names.

    Attributes:
        frame: numbers, text, dates, or lists; NaN or None where a cell is empty.
        has_names: whether the names are those of a header, not "column 1", ...
        notes: what was done to read it.
        place: where a value of the index of the frame is in the file.
        unnamed: the names that were given to columns without one in the header.
        has_comma: whether there are decimal commas.
        can_drop: what can be left out where a cell is wrong.
    """

    path: Path
    frame: object
    has_names: bool
    notes: tuple[str, ...] = ()
    place: Callable[[int], str] = "row {} (counted from 0)".format
    unnamed: tuple[str, ...] = ()
    has_comma: bool = False
    can_drop: str = "column out with --drop"

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.frame.columns)

    def error(self, name: str, row: int, expected: str) -> DataError:
        """The error for a cell that is not what was expected."""
        value = self.frame[name].iloc[row]
        is_list = isinstance(value, np.ndarray)
        value = value.item() if isinstance(value, np.generic) else value
        value = f"a list of {len(value)}" if is_list else repr(value)
        place = self.place(self.frame.index[row])
        name = repr(name) if self.has_names else name.removeprefix("column ")
        return DataError(
            f"{self.path}: {place}, column {name} holds {value}, expected {expected};"
            f" change it, or leave the {self.can_drop}."
        )

    def labels(self, name: str) -> np.ndarray:
        """A column as labels, (n,) numbers or text."""
        cells = self.frame[name]
        if cells.dtype.kind in "biuf":
            return cells.to_numpy()
        return np.array(to_words(cells).where(cells.notna(), "").tolist())

    def first_list(self, name: str) -> int | None:
        """The first row of a column that holds a list, or `None`."""
        cells = self.frame[name]
        if cells.dtype != object:
            return None
        rows = (i for i, cell in enumerate(cells) if isinstance(cell, np.ndarray))
        return next(rows, None)

    def lists(self, name: str) -> np.ndarray:
        """A column of lists, or of lists of lists, as an array."""
        rows = []
        for row, value in enumerate(self.frame[name]):
            try:
                rows.append(_nested(value))
                if rows[row].shape != rows[0].shape or rows[row].dtype == object:
                    raise ValueError
            except ValueError:
                shape = f"{rows[0].shape} as in the first row" if row else "equal size"
                expected = f"lists of numbers of {shape}"
                raise self.error(name, row, expected) from None
        return np.stack(rows)


def _nested(value):
    """Lists of lists as an array; ValueError if their lengths differ."""
    is_nested = isinstance(value, np.ndarray) and value.dtype == object
    return np.array([_nested(v) for v in value]) if is_nested else np.asarray(value)


def read(path: Path, label_name: str | None = None, known: tuple = ()) -> Table:
    """The table of a file.

    Args:
        path: of the file.
        label_name: a name that only a header can have.
        known: a `Column` for each column whose kind is known.

    Raises:
        DataError: the file cannot be read, or the table has no rows.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        table = _read_parquet(path)
    elif suffix == ".xlsx":
        table = _read_excel(path, label_name)
    else:
        table = _read_text(path, label_name, known)
    if not len(table.frame):
        raise DataError(f"{path}: the table has no rows; expected at least one.")
    return table


def _read_text(path, label_name, known):
    with reading(path, "a table of text in UTF-8"):
        frame, names, notes, file = read_text(path, label_name, known)
        table = _clean(path, frame, names, notes)
    table.place = lambda row: f"line {file.record(row).line}"
    table.has_comma = file.has_comma
    return table


def _read_parquet(path):
    import pyarrow.parquet

    with reading(path, "a Parquet table"):
        size = pyarrow.parquet.read_metadata(path)
    check_size(path, 8 * size.num_rows * size.num_columns)
    with reading(path, "a Parquet table"):
        frame = pyarrow.parquet.ParquetFile(path).read().to_pandas()
    names = _distinct([str(name) for name in frame.columns])
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)  # the index of pandas
    return Table(path, frame, True)


def _read_excel(path, label_name):
    import pandas

    check_unpacked(path)
    with reading(path, "an Excel table"), pandas.ExcelFile(path) as book:
        for sheet in book.sheet_names:
            frame = book.parse(sheet, header=None)
            if len(frame):
                break
        others = len(book.sheet_names) - 1
    notes = (f"sheet {sheet}, the first of {others + 1} that is not empty",) * (
        others > 0
    )
    layout = find_layout(_records(frame), label_name)
    body = frame.iloc[layout.n_skipped :].infer_objects()
    table = _clean(path, body, layout.names, notes + layout.notes)
    table.place = lambda row: f"row {row + 1}"
    return table


def _records(frame):
    """The first rows of an Excel sheet as fields of text."""
    head = frame.head(N_RECORDS)
    columns = [to_words(head[i]).where(head[i].notna(), "") for i in head]
    return [list(fields) for fields in zip(*columns, strict=True)]


def _clean(path, frame, names, notes):
    """The table of rows that may hold more than data, below these names."""
    given = names or [""] * frame.shape[1]
    frame, more = clean_rows(frame, given)
    is_used = [
        bool(name) or frame[i].notna().any()
        for i, name in zip(frame, given, strict=True)
    ]
    columns = [(name, f"column {i + 1}") for i, name in enumerate(given) if is_used[i]]
    unnamed = tuple(other for name, other in columns if not name and names)
    frame = frame.loc[:, is_used]
    frame = frame.set_axis(_distinct([a or b for a, b in columns]), axis=1)
    return Table(path, frame, names is not None, notes + more, unnamed=unnamed)


def _distinct(names):
    """The names, a repeated one with a number: a, a.2."""
    distinct, used = [], Counter()
    for name in names:
        new = name
        while new in used:
            used[name] += 1
            new = f"{name}.{used[name]}"
        used[new] += 1
        distinct.append(new)
    return distinct

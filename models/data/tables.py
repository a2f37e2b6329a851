"""Tables as they are stored: text, .csv .tsv .txt; Excel, .xlsx; .parquet."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.data.errors import DataError, reading
from models.data.labels import find_labels

TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT, ".xlsx", ".parquet")
SEPARATORS = ("\t", ";", ",", "|")
SNIFFED = 50  # lines that decide on the separator
EMPTY = ("?", "-", ".", "n.a.")  # cells without a value, beside those of pandas


@dataclass
class Table:
    """A pandas.DataFrame whose columns have names.

    Attributes:
        frame: numbers, text, dates, or lists; NaN or None where a cell is empty.
        has_names: whether the names are those of a header, not "column 1", ...
        notes: what was done to read it.
        lines: the number in the file of each row's line, or `None`.
    """

    path: Path
    frame: object
    has_names: bool
    notes: tuple[str, ...] = ()
    lines: list[int] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.frame.columns)

    def error(self, name: str, row: int, expected: str) -> DataError:
        """The error for a cell that is not what was expected."""
        value = self.frame[name].iloc[row]
        value = f"a list of {len(value)}" if isinstance(value, np.ndarray) else value
        place = f"row {row} (counted from 0)"
        if self.lines:
            place = f"line {self.lines[row]}"
        name = repr(name) if self.has_names else name.removeprefix("column ")
        return DataError(
            f"{self.path}: {place}, column {name} holds {value!r}, expected {expected};"
            " change it, or leave the column out with --drop."
        )

    def labels(self, name: str) -> np.ndarray:
        """A column as labels, (n,) numbers or text."""
        cells = self.frame[name]
        is_number = cells.dtype.kind in "biuf"
        return cells.to_numpy() if is_number else np.array(cells.astype(str).tolist())

    def lists(self) -> np.ndarray | None:
        """A single column of lists, or of lists of lists, as an array; else `None`."""
        frame = self.frame
        if len(frame.columns) != 1 or not len(frame):
            return None
        (name,) = frame.columns
        if not isinstance(frame[name].iat[0], np.ndarray):
            return None
        rows = []
        for row, value in enumerate(frame[name]):
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


def read(path: Path, label_name: str | None = None) -> Table:
    """The table of a file; `label_name` is a name that only a header can have."""
    suffix = path.suffix.lower()
    if suffix in TEXT:
        with reading(path, "a table of text"):
            return _read_text(path, label_name)
    import pandas  # slow to import

    with reading(path, "an Excel or Parquet table"):
        if suffix == ".xlsx":
            frame = pandas.read_excel(path, na_values=EMPTY)
            frame = frame.dropna(how="all").reset_index(drop=True)
            names = [_column_name(i, name) for i, name in enumerate(frame.columns)]
        else:
            import pyarrow.parquet

            frame = pyarrow.parquet.ParquetFile(path).read().to_pandas()
            frame = frame.reset_index(drop=True)  # the index of pandas
            names = [str(name) for name in frame.columns]
    return Table(path, frame.set_axis(_distinct(names), axis=1), True)


def _read_text(path, label_name):
    import pandas

    text, encoding = _decode(path)
    lines = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    comments = [line for _, line in lines if line.lstrip().startswith("#")]
    lines = [(i, line) for i, line in lines if not line.lstrip().startswith("#")]
    separator = _sniff([line for _, line in lines[:SNIFFED]])
    first = _fields(lines[0][1], separator) if lines else []
    header = _fields(comments[-1].lstrip("# "), separator) if comments else []
    notes = () if encoding == "utf-8" else (f"read as {encoding}",)
    if len(header) != len(first):  # numpy.savetxt writes "# header"
        header = []
    second = _fields(lines[1][1], separator) if lines[1:] else []
    if not header and _is_header(first, second, label_name):
        header, lines = first, lines[1:]
    try:
        frame = pandas.read_csv(
            io.StringIO("\n".join(line for _, line in lines)),
            sep=r"\s+" if separator == " " else separator,
            header=None,
            skipinitialspace=True,
            na_values=EMPTY,
            low_memory=False,
        )
    except pandas.errors.EmptyDataError:
        frame = pandas.DataFrame(columns=range(len(header or first)))
    except pandas.errors.ParserError as error:
        raise _uneven(path, lines, error) from error
    if header and len(frame.columns) != len(header):
        raise DataError(
            f"{path}: the header has {len(header)} names, and the rows have "
            f"{len(frame.columns)} values; make them equal."
        )
    names = [_column_name(i, name) for i, name in enumerate(header or first)]
    if not header:
        names = [f"column {i + 1}" for i in frame.columns]
    numbers = [i for i, _ in lines] if len(lines) == len(frame) else None
    frame = frame.set_axis(_distinct(names), axis=1)
    return Table(path, frame, bool(header), notes, numbers)


def _decode(path):
    """(the text of a file, its encoding)."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        if b"\0" in content:
            raise
        return content.decode("latin-1"), "latin-1"


def _fields(line, separator):
    """The fields of a line, without outer spaces."""
    if separator == " ":
        return line.split()
    reader = csv.reader([line], delimiter=separator, skipinitialspace=True)
    return [field.strip() for field in next(reader, [])]


def _sniff(lines):
    """The separator that gives most lines one number of fields, two or more."""

    def agreement(separator):
        counts = Counter(len(_fields(line, separator)) for line in lines)
        number, n_lines = counts.most_common(1)[0] if counts else (1, 0)
        return (number > 1) * n_lines, -SEPARATORS.index(separator)

    best = max(SEPARATORS, key=agreement)
    return best if agreement(best)[0] else " "


def _is_header(first, second, label_name):
    """Whether the fields of the first line are names: no numbers, or above numbers."""
    words = [field for field in first if not is_number(field)]
    above = [
        not is_number(name) and is_number(value)
        for name, value in zip(first, second, strict=False)
    ]
    is_named = words == first or any(above) and 2 * len(words) > len(first)
    return bool(first) and (is_named or find_labels(words, label_name) is not None)


def is_number(field: str) -> bool:
    """Whether a field of text is a number, with a decimal point or comma, or empty."""
    try:
        float(field.replace(",", ".") or "nan")
    except ValueError:
        return field in EMPTY
    return True


def _column_name(index, name):
    """The name of a column; pandas calls those without one "Unnamed: 0"."""
    name = str(name).strip()
    is_named = name and not name.startswith("Unnamed: ")
    return name if is_named else f"column {index + 1}"


def _distinct(names):
    """The names, a repeated one with a number: a, a.2."""
    seen, distinct = Counter(), []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return distinct


def _uneven(path, lines, error):
    """The error for a line of another length, with its number in the file."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if not found:
        return DataError(f"{path}: {error}; make all lines equally long.")
    expected, line, saw = map(int, found.groups())
    return DataError(
        f"{path}: expected {expected} fields in line {lines[line - 1][0]}, saw {saw}; "
        "make all lines equally long."
    )

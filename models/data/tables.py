"""Tables, .csv, .txt and .parquet: columns of numbers, and perhaps one of labels."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.data.errors import DataError, reading

PARQUET = ".parquet"


def read(path: Path, is_header) -> "Table":
    """The table of a file; is_header(the fields of the first line of text) -> bool.

    Text is separated by tabs, semicolons, commas or spaces.
    """
    if path.suffix.lower() != PARQUET:
        with reading(path, "a table of text in UTF-8"):
            return _read_text(path, is_header)
    import pyarrow.parquet  # slow to import

    with reading(path, "a Parquet table"):
        frame = pyarrow.parquet.ParquetFile(path).read().to_pandas()
    header = [str(name) for name in frame.columns]  # the index of pandas is not in it
    frame = frame.set_axis(range(len(header)), axis=1).reset_index(drop=True)
    return Table(path, frame, header)


def _read_text(path, is_header):
    """The table of a file of text, whose first line may be a header."""
    import pandas  # slow to import

    number, separator, fields = _first_line(path)
    header = fields if is_header(fields) else []
    try:
        frame = pandas.read_csv(
            path,
            sep=r"\s+" if separator == " " else separator,
            header=None,
            skiprows=number if header else 0,
            skipinitialspace=True,
            na_filter=False,
            low_memory=False,
            encoding="utf-8-sig",
        )
    except pandas.errors.EmptyDataError:
        frame = pandas.DataFrame(columns=range(len(fields)))
    except pandas.errors.ParserError as error:
        reason = str(error).rpartition("C error: ")[2].strip()
        raise DataError(f"{path}: {reason}; make all lines equally long.") from error
    if len(frame.columns) != len(fields):
        raise DataError(
            f"{path}: Expected {len(fields)} fields in line {_line_number(path, 1)}, "
            f"saw {len(frame.columns)}; make all lines equally long."
        )
    return Table(path, frame, header)


def _first_line(path):
    """The number, separator and fields of the first line that is not blank."""
    number, first = next(_lines(path), (0, ""))
    first = first.lstrip("# ").strip(" \n")  # numpy.savetxt writes "# header"
    separator = next((mark for mark in "\t;," if mark in first), " ")
    fields = next(csv.reader([first], delimiter=separator, skipinitialspace=True), [])
    return number, separator, [field.strip() for field in fields]


def is_number(field: str) -> bool:
    """Whether a field of text is a number."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def _lines(path):
    """(the number from 1 on, the text) of each line that is not blank."""
    with path.open(encoding="utf-8-sig") as file:
        yield from ((n, line) for n, line in enumerate(file, 1) if line.strip())


def _line_number(path, row):
    """The number of the row-th line that is not blank."""
    return next(itertools.islice(_lines(path), row, None))[0]


def _nested(value):
    """Lists of lists as an array; ValueError if their lengths differ."""
    is_nested = isinstance(value, np.ndarray) and value.dtype == object
    return np.array([_nested(v) for v in value]) if is_nested else np.asarray(value)


@dataclass
class Table:
    """A pandas.DataFrame, columns numbered from 0, and their names or []."""

    path: Path
    frame: object
    header: list[str]

    def pop_labels(self, name: str | None) -> np.ndarray:
        """Removes a column, the first without a name; (n,) numbers, text or objects."""
        index = self.header.index(name) if name else 0
        values = np.asarray(self.frame.pop(index))
        return np.array(values.tolist()) if values.dtype == object else values

    def numbers(self) -> np.ndarray:
        """The columns (n, d); one column of lists is (n, length), or (n, h, w)."""
        frame = self.frame
        if frame.size == 0:
            return np.empty(frame.shape)
        if len(frame.columns) == 1 and isinstance(frame.iat[0, 0], np.ndarray):
            return self._lists(frame.iloc[:, 0])
        for column in frame.columns:
            if frame[column].dtype.kind not in "biuf":
                frame[column] = self._as_numbers(frame[column])
        return frame.to_numpy(np.result_type(*frame.dtypes))

    def _as_numbers(self, column):
        """A column of text as numbers."""
        import pandas  # slow to import

        words, bad = column.astype(str).str.strip(), column.isna()
        numbers = pandas.to_numeric(words, errors="coerce")
        if not bad.any():
            bad = numbers.isna() & (words.str.lower() != "nan")
        if bad.any():
            raise self._wrong_value(column, int(bad.argmax()), "a number")
        return numbers

    def _lists(self, column):
        """A column of lists, or of lists of lists, of equal lengths as an array."""
        rows = []
        for row, value in enumerate(column):
            try:
                rows.append(_nested(value))
                if rows[row].shape != rows[0].shape or rows[row].dtype == object:
                    raise ValueError
            except ValueError:
                shape = f"{rows[0].shape} as in the first row" if row else "equal size"
                expected = f"lists of numbers of {shape}"
                raise self._wrong_value(column, row, expected) from None
        return np.stack(rows)

    def _wrong_value(self, column, row, expected):
        """The error with line or row, column and value."""
        value, place = column[row], f"row {row} (counted from 0)"
        if isinstance(value, str | np.ndarray):
            value = repr(value) if isinstance(value, str) else f"a list of {len(value)}"
        if self.path.suffix.lower() != PARQUET:
            place = f"line {_line_number(self.path, row + bool(self.header))}"
        name = repr(self.header[column.name]) if self.header else column.name + 1
        return DataError(
            f"{self.path}: {place}, column {name} holds {value}, expected {expected}; "
            "only a column with the header 'label', or the one that --labels names, "
            "may hold text."
        )

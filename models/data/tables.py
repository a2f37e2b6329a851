"""Tables, .csv, .txt and .parquet: columns of numbers, and perhaps one of labels."""

import csv
from pathlib import Path

import numpy as np

from models.data.errors import DataError, reading

PARQUET = ".parquet"
LABEL_COLUMNS = ("label", "labels", "class", "target", "y")


def read_table(
    path: Path, label_column: str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """(numbers (n, d), labels (n,) or None) of a table.

    A column of lists in Parquet is (n, length), one of lists of lists (n, h, w). Text
    is separated by tabs, semicolons, commas or spaces; a first line without numbers, or
    with the name of the labels, is the header. label_column: its name, or a usual one.
    """
    frame, header = _read(path, lambda fields: _is_header(fields, label_column))
    index = _label_index(header, label_column)
    if label_column is not None and index is None:
        found = f"only {', '.join(header)}" if header else "as it has no header"
        raise DataError(
            f"--labels {label_column}: {path} has no such column, {found}; give one "
            "that it has, or the path of a file of labels."
        )
    labels = None if index is None else _labels(frame.pop(index))
    return _numbers(path, frame, header), labels


def read_label_table(path: Path) -> np.ndarray:
    """The labels (n,) of a table with only labels, or with a column of labels."""
    frame, header = _read(path, lambda fields: _label_index(fields) is not None)
    index = _label_index(header)
    if index is None and len(frame.columns) > 1:
        raise DataError(
            f"--labels {path}: expected one column, or one called 'label' in the "
            f"header, but there are {len(frame.columns)}."
        )
    return _labels(frame[index or 0]) if len(frame) else np.array([], int)


def _label_index(header, wanted=None):
    """The position of the column of this name, or of a usual name for labels."""
    names = header if wanted is not None else [name.lower() for name in header]
    wanted = LABEL_COLUMNS if wanted is None else (wanted,)
    return next((names.index(name) for name in wanted if name in names), None)


def _labels(column):
    """A column as an array of numbers or text; of other values as dtype object."""
    values = np.asarray(column)
    return np.array(values.tolist()) if values.dtype == object else values


# --- Files as a pandas.DataFrame, columns numbered from 0, and their header -----------


def _read(path, is_header):
    """(the table, the names of its columns or []); is_header(the first fields)."""
    if path.suffix.lower() != PARQUET:
        with reading(path, "a table of text in UTF-8"):
            return _read_text(path, is_header)
    import pyarrow.parquet  # slow to import

    with reading(path, "a Parquet table"):
        frame = pyarrow.parquet.ParquetFile(path).read().to_pandas()
    header = [str(name) for name in frame.columns]  # the index of pandas is not in it
    return frame.set_axis(range(len(header)), axis=1).reset_index(drop=True), header


def _read_text(path, is_header):
    import pandas  # slow to import

    with path.open(encoding="utf-8-sig") as file:
        lines = ((n, line) for n, line in enumerate(file, 1) if line.strip())
        number, first = next(lines, (0, ""))
    first = first.lstrip("# ").strip(" \n")  # numpy.savetxt writes "# header"
    separator = next((mark for mark in "\t;," if mark in first), " ")
    fields = next(csv.reader([first], delimiter=separator, skipinitialspace=True), [])
    fields = [field.strip() for field in fields]
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
        return pandas.DataFrame(columns=range(len(fields))), header
    except pandas.errors.ParserError as error:
        reason = str(error).rpartition("C error: ")[2].strip()
        raise DataError(f"{path}: {reason}; make all lines equally long.") from error
    if len(frame.columns) != len(fields):
        raise DataError(
            f"{path}: line {_line_number(path, 1)} has {len(frame.columns)} fields, "
            f"expected {len(fields)} as in the first; make all lines equally long."
        )
    for column in frame.columns[[dtype.kind not in "biuf" for dtype in frame.dtypes]]:
        frame[column] = frame[column].astype(str).str.strip()
    return frame, header


def _is_header(fields, label_column):
    """Whether a line has no number, or the name of the label column."""
    words = [field for field in fields if not _is_number(field)]
    is_named = label_column in words or _label_index(words) is not None
    return is_named or words == fields


def _is_number(field):
    try:
        float(field)
    except ValueError:
        return False
    return True


def _line_number(path, row):
    """The number, from 1 on, of the row-th line that is not blank."""
    lines = enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1)
    return [number for number, line in lines if line.strip()][row]


# --- Numbers --------------------------------------------------------------------------


def _numbers(path, frame, header):
    """The columns as an array (n, d), or (n, ...) of one column of lists."""
    if frame.size == 0:
        return np.empty(frame.shape)
    if len(frame.columns) == 1 and isinstance(frame.iat[0, 0], np.ndarray):
        return _lists(path, frame.iloc[:, 0], header)
    for column in frame.columns:
        if frame[column].dtype.kind not in "biuf":
            frame[column] = _as_numbers(path, frame[column], header)
    return frame.to_numpy(np.result_type(*frame.dtypes))


def _as_numbers(path, column, header):
    """A column of text as numbers."""
    import pandas  # slow to import

    words, bad = column.astype(str), column.isna()
    numbers = pandas.to_numeric(words, errors="coerce")
    if not bad.any():
        bad = numbers.isna() & (words.str.lower() != "nan")
    if bad.any():
        raise _wrong_value(path, column, header, int(bad.argmax()), "a number")
    return numbers


def _lists(path, column, header):
    """A column of lists, or of lists of lists, of equal lengths as an array."""
    rows = []
    for row, value in enumerate(column):
        try:
            rows.append(_nested(value))
            if rows[row].shape != rows[0].shape or rows[row].dtype == object:
                raise ValueError
        except ValueError:
            shape = f"{rows[0].shape} as in the first row" if row else "equal lengths"
            expected = f"lists of numbers of {shape}"
            raise _wrong_value(path, column, header, row, expected) from None
    return np.stack(rows)


def _nested(value):
    """Lists of lists as an array; ValueError if their lengths differ."""
    is_nested = isinstance(value, np.ndarray) and value.dtype == object
    return np.array([_nested(v) for v in value]) if is_nested else np.asarray(value)


def _wrong_value(path, column, header, row, expected):
    """The error with line or row, column and value."""
    value = column[row]
    if isinstance(value, str | np.ndarray):
        value = repr(value) if isinstance(value, str) else f"a list of {len(value)}"
    place = f"row {row} (counted from 0)"
    if path.suffix.lower() != PARQUET:
        place = f"line {_line_number(path, row + bool(header))}"
    name = repr(header[column.name]) if header else column.name + 1
    return DataError(
        f"{path}: {place}, column {name} holds {value}, expected {expected}; only a "
        "column with the header 'label', or the one that --labels names, may hold text."
    )

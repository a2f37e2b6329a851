"""Text tables, .csv and .txt: columns of numbers, and perhaps one of labels."""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from models.data.errors import DataError, reading

LABEL_COLUMNS = ("label", "labels", "class", "target", "y")


def read_table(
    path: Path, label_column: str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The numbers of a table, and the words of its column of labels if it has one.

    The numbers are integers if all of them are written as integers.
    """
    rows = _table_rows(path)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path}: the file is empty; expected lines of numbers.")
    header = first[1] if _is_header(first[1], label_column) else []
    index = label_index(header, label_column)
    if label_column is not None and index is None:
        refuse_column(path, label_column, header)
    columns = [place for place in range(1, len(first[1]) + 1) if place - 1 != index]
    labels, values, whole = [], [], True
    for line, fields in rows if header else chain([first], rows):
        if index is not None:
            labels.append(fields.pop(index))
        values.append(_numbers(path, line, columns, fields))
        whole = whole and all(field.lstrip("+-").isdigit() for field in fields)
    x = np.array(values, float).reshape(len(values), len(columns))
    # A float64 holds every integer up to 2**53.
    x = x.astype(np.int64) if whole and np.all(np.abs(x) < 2**53) else x
    return x, None if index is None else np.array(labels, str)


def read_labels(path: Path) -> np.ndarray:
    """The words of a table with nothing but labels, or of its column of labels."""
    lines = [fields for _, fields in _table_rows(path)]
    header = lines.pop(0) if lines and label_index(lines[0]) is not None else None
    index = label_index(header or [])
    if index is None and lines and len(lines[0]) > 1:
        raise which_labels(path, len(lines[0]))
    return np.array([row[index or 0] for row in lines], str)


def which_labels(path: Path, n_columns: int) -> DataError:
    """What to say of a file of labels with several columns."""
    return DataError(
        f"--labels {path}: expected one column, or one called 'label' in the "
        f"header, but there are {n_columns}."
    )


def refuse_column(path: Path, wanted: str, header: list[str]) -> None:
    found = f"only {', '.join(header)}" if header else "as it has no header"
    raise DataError(
        f"--labels {wanted}: {path} has no such column, {found}; give one that it has, "
        "or the path of a file of labels."
    )


def _table_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields the line number and the fields of every line that is not blank."""
    with reading(path, "a table of text in UTF-8"):
        text = path.read_text(encoding="utf-8-sig")
        # numpy.savetxt writes "# " before its header.
        lines = [line.strip(" ") for line in text.lstrip("# ").split("\n")]
        first = next(filter(None, lines), "")
        delimiter = next((mark for mark in "\t;," if mark in first), " ")
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        width = None
        for fields in filter(None, reader):
            width = width or len(fields)
            if len(fields) != width:
                raise DataError(
                    f"{path}: line {reader.line_num} has {len(fields)} fields, "
                    f"expected {width} as in the first; make all lines equally long."
                )
            yield reader.line_num, [field.strip() for field in fields]


def _is_header(fields: list[str], label_column: str | None) -> bool:
    """True for a line without any number, or with the name of the label column."""
    words = [field for field in fields if not _is_number(field)]
    named = label_column in words or label_index(words) is not None
    return named or words == fields


def label_index(header: list[str], wanted: str | None = None) -> int | None:
    """Where the wanted name is in the header, or else a usual name for labels."""
    if wanted is not None:
        return header.index(wanted) if wanted in header else None
    names = [name.lower() for name in header]
    return next((names.index(name) for name in LABEL_COLUMNS if name in names), None)


def _numbers(path: Path, line: int, columns: list[int], fields: list[str]):
    """The fields of one line as a float64 array."""
    try:
        return np.array([float(field) for field in fields])
    except ValueError:
        bad = next(i for i, field in enumerate(fields) if not _is_number(field))
        raise DataError(
            f"{path}: line {line}, column {columns[bad]} holds {fields[bad]!r}, "
            "expected a number; only a column with the header 'label', or the one that "
            "--labels names, may hold text."
        ) from None


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True

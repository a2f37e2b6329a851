"""Which columns of a table are features, which one holds the labels."""

from dataclasses import dataclass

import numpy as np

from models.data.columns import Column, infer, is_empty
from models.data.errors import DataError
from models.data.files import no_labels
from models.data.labels import NONE, find_labels
from models.data.preprocessing import Preprocessing
from models.data.tables import Table

INDEX_NAMES = ("id", "index", "idx", "row", "nr", "no")
MIN_INDEX = 5  # rows that a column of consecutive numbers must have to be an index


@dataclass(frozen=True)
class Features:
    """The features of a table.

    Attributes:
        values: (n, d) float64, NaN where a cell is empty.
        labels: (n,) numbers or text, or `None`.
        preprocessing: what was decided, not fitted.
        notes: what was done, for people.
    """

    values: np.ndarray
    labels: np.ndarray | None
    preprocessing: Preprocessing
    notes: tuple[str, ...]


def choose_features(
    table: Table,
    label_name: str | None = None,
    columns: tuple[str, ...] | None = None,
    drop: tuple[str, ...] = (),
    keep_all: bool = False,
) -> Features:
    """The features of a table that nothing was trained on yet.

    Args:
        table: what was read.
        label_name: the name of the labels; `None` is a usual name, "none" no labels.
        columns: the names of the features; `None` is all but labels, an index, and
            columns that hold one value or text of too many values.
        drop: names of columns that are no features.
        keep_all: whether the values are read as an array: all columns are numbers, and
            none is left out for what it holds.

    Raises:
        DataError: a name that the table does not have, or no feature is left.
    """
    names = table.names
    check_names(table, "--columns", columns or ())
    check_names(table, "--drop", drop)
    label = None if label_name == NONE else _find_labels(table, label_name, columns)
    left_out = {name: "--drop" for name in drop}
    left_out |= {n: "not in --columns" for n in names if columns and n not in columns}
    chosen = []
    for name in names:
        if name == label or name in left_out:
            continue
        column, reason = (Column(name), "") if keep_all else _infer(table, name)
        if keep_all:
            chosen.append(column)
            continue
        if not columns and _is_index(table, name):
            column, reason = None, "an index"
        if column is None and columns:
            raise DataError(
                f"{table.path}: column {name} holds {reason}; take it out of --columns."
            )
        if column is None:
            left_out[name] = reason
        else:
            chosen.append(column)
    if not chosen and len(table.frame):
        reasons = ", ".join(f"{n} ({r})" for n, r in left_out.items())
        raise DataError(f"{table.path}: no column is left to learn from: {reasons}.")
    preprocessing = Preprocessing("table", tuple(chosen), label, left_out or None)
    return _features(table, preprocessing, label)


def apply_columns(
    table: Table, stored: Preprocessing, label_name: str | None
) -> Features:
    """The features that a run was trained on, by their names, from another table.

    label_name: the name of the labels; `None` is that of the run, if it is there.

    Raises:
        DataError: a column is missing, or holds another kind of values.
    """
    missing = [c.name for c in stored.columns if c.name not in table.names]
    if missing:
        hint = f"its columns are {', '.join(table.names[:20])}"
        if not table.has_names:
            hint = f"it has no header, and {len(table.names)} columns"
        raise DataError(
            f"{table.path}: the columns {', '.join(missing)} that the run was trained "
            f"on are missing; {hint}."
        )
    features = tuple(column.name for column in stored.columns)
    label = stored.labels if stored.labels in table.names else None
    if label_name is not None or label is None:
        none = label_name == NONE
        label = None if none else _find_labels(table, label_name, features)
    known = {*features, label}
    known |= set(stored.left_out or ())
    others = [name for name in table.names if name not in known]
    features = _features(table, stored, label)
    ignored = (f"columns that are not used: {', '.join(others)}",) * bool(others)
    return Features(features.values, features.labels, stored, table.notes + ignored)


def check_names(table, option, names) -> None:
    """Raises DataError for a name that is no column."""
    unknown = [name for name in names if name not in table.names]
    if unknown:
        raise DataError(
            f"{option} {unknown[0]}: {table.path} has the columns "
            f"{', '.join(table.names)}; give names among these."
        )


def _find_labels(table, wanted, columns):
    name = find_labels(table.names, wanted)
    if wanted is not None and name is None:
        raise no_labels(wanted, table.path, table.names)
    if wanted is None and (name in (columns or ()) or not _is_label(table, name)):
        return None
    return name


def _is_label(table, name):
    """Whether a column of a usual name holds labels: whole numbers or text."""
    if name is None or is_empty(table.frame[name]).any():
        return name is not None
    cells = table.frame[name]
    return cells.dtype.kind != "f" or bool((cells == np.floor(cells)).all())


def _infer(table, name):
    def fail(row, expected):
        return table.error(name, row, expected)

    return infer(name, table.frame[name], fail)


def _is_index(table, name):
    """Whether a column counts the rows from 0 or 1: the first one, or one named so."""
    cells = table.frame[name]
    if cells.dtype.kind not in "iu" or len(cells) < MIN_INDEX:
        return False
    is_candidate = name == table.names[0] or name.lower() in INDEX_NAMES
    counts = (np.diff(cells.to_numpy()) == 1).all()
    return is_candidate and counts and cells.iloc[0] in (0, 1)


def _features(table, preprocessing, label):
    columns, notes = preprocessing.columns, list(table.notes)
    parts = []
    for column in columns:
        cells = table.frame[column.name]
        name = column.name

        def fail(row, expected, name=name):
            return table.error(name, row, expected)

        parts.append(column.encode(cells, fail))
        n_empty = int(is_empty(cells).sum())
        if column.note:
            notes.append(f"{name}: {column.note}")
        if n_empty:
            what = "no category" if column.kind == "category" else "the mean"
            cells = "cell" if n_empty == 1 else "cells"
            notes.append(f"{name}: {n_empty} empty {cells} read as {what}")
    for name, reason in (preprocessing.left_out or {}).items():
        notes.append(f"{name}: left out, {reason}")
    labels = None if label is None else table.labels(label)
    values = np.concatenate(parts, axis=1) if parts else np.empty((len(table.frame), 0))
    return Features(values, labels, preprocessing, tuple(notes))

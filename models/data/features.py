"""Which columns of a table are features, which one holds the labels."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.data.columns import Column, infer
from models.data.errors import DataError, join_names
from models.data.files import no_labels
from models.data.labels import NONE, find_labels
from models.data.preprocessing import Preprocessing
from models.data.tables import Table

INDEX_NAME = r"(?i:(.*[_ .-])?id|index|idx|row|nr\.?|no\.?|#)|.*[a-z]ID"
MIN_INDEX = 5  # rows that a column of consecutive numbers must have to be an index
MAX_LABELS = 20  # different numbers that are labels whatever the number of rows


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
        columns: the names of the features, in any order; `None` is all but labels, an
            index, and columns that hold one value or text of too many values.
        drop: names of columns that are no features.
        keep_all: whether the values are read as an array: all columns are numbers, and
            none is left out for what it holds.

    Raises:
        DataError: a name that the table does not have, or no feature is left.
    """
    _check_names(table, "--columns", columns or ())
    _check_names(table, "--drop", drop)
    label, chosen, left_out = find_label(table, label_name, columns), [], {}
    for name in table.names:
        column, reason = Column(name), ""
        if name == label:
            continue
        if name in drop:
            reason = "--drop"
        elif columns and name not in columns:
            reason = "not in --columns"
        elif not keep_all:
            column, reason = _infer(table, name, bool(columns))
        if reason:
            left_out[name] = reason
        else:
            chosen.append(column)
    if not chosen:
        raise DataError(
            f"{table.path}: no column is left to learn from"
            f"{''.join(f'; {note}' for note in _group(left_out))}; give --columns."
        )
    decided = Preprocessing("table", tuple(chosen), label, left_out or None)
    return _encode(table, decided, label, left_out)


def apply_columns(
    table: Table, stored: Preprocessing, label_name: str | None = None
) -> Features:
    """The features that a run was trained on, by their names, from another table.

    label_name: the name of the labels; `None` is that of the run, if it is there.

    Raises:
        DataError: a column is missing, or holds another kind of values.
    """
    features = tuple(column.name for column in stored.columns)
    missing = [name for name in features if name not in table.names]
    if missing:
        hint = f"its columns are {join_names(table.names)}"
        if not table.has_names:
            hint = f"it has no header, and {len(table.names)} columns"
        raise DataError(
            f"{table.path}: the columns {join_names(missing)} that the run was trained "
            f"on are missing; {hint}."
        )
    if label_name is None and stored.labels in table.names:
        label_name = stored.labels
    label = find_label(table, label_name, features)
    known = {*features, label, *(stored.left_out or ())}
    others = [name for name in table.names if name not in known]
    table.can_drop = "row out"
    found = _encode(table, stored, label)
    ignored = (f"columns that are not used: {join_names(others)}",) * bool(others)
    return Features(found.values, found.labels, stored, found.notes + ignored)


def find_label(table: Table, wanted: str | None, features=None) -> str | None:
    """The column of the labels; a usual name is none if the column is a feature.

    Raises DataError if the table has no column of the name that is wanted.
    """
    if wanted == NONE:
        return None
    name = find_labels(table.names, wanted)
    if wanted is not None and name is None:
        raise no_labels(wanted, table.path, table.names if table.has_names else [])
    is_free = name is not None and name not in (features or ())
    return name if wanted is not None or is_free and _is_label(table, name) else None


def _is_label(table, name):
    """Whether a column of a usual name holds labels: text, or few whole numbers."""
    cells = table.frame[name].dropna()
    if cells.dtype.kind not in "iuf":
        return True
    is_whole = bool((cells == np.floor(cells)).all())
    return is_whole and cells.nunique() <= max(MAX_LABELS, len(cells) // 4)


def _check_names(table, option, names):
    """Raises DataError for a name that is no column."""
    unknown = [name for name in names if name not in table.names]
    if unknown:
        raise DataError(
            f"{option} {unknown[0]}: {table.path} has the columns "
            f"{join_names(table.names)}; give names among these."
        )


def _infer(table, name, is_wanted):
    """(the `Column`, "") of a feature, or (`None`, why it is none)."""
    cells = table.frame[name]
    if not is_wanted and _is_index(table, name):
        return None, "an index"
    fail = partial(table.error, name)
    row = table.first_list(name)
    if row is not None:
        raise fail(row, "a number")
    column, reason = infer(name, cells, fail, table.has_comma)
    if column is None and is_wanted:
        raise DataError(
            f"{table.path}: column {name} cannot be a feature ({reason}); take it out "
            "of --columns."
        )
    return column, reason


def _is_index(table, name):
    """Whether a column numbers the rows.

    That is one without a name, or called id, of different whole numbers; or the first,
    if it counts from 0 or 1.
    """
    cells = table.frame[name]
    is_first = name == table.names[0]
    if cells.dtype.kind not in "iu" or not cells.is_unique or len(cells) < 2:
        return False
    is_unnamed = is_first and name in table.unnamed
    if is_unnamed or table.has_names and re.fullmatch(INDEX_NAME, name):
        return True
    counts = (np.diff(cells.to_numpy()) == 1).all() and cells.iloc[0] in (0, 1)
    return is_first and counts and len(cells) >= MIN_INDEX


def _encode(table, preprocessing, label, left_out=()):
    """The `Features` of the columns of a preprocessing."""
    parts, what, n_empty = [], {}, {}
    for column in preprocessing.columns:
        cells = table.frame[column.name]
        parts.append(column.encode(cells, partial(table.error, column.name)))
        what[column.name] = column.note
        count = int(np.isnan(parts[-1][:, 0]).sum())
        n_empty[f"{column.name} ({count})"] = count and "empty cells read as the mean"
    reasons = {name: f"left out, {left_out[name]}" for name in left_out}
    notes = [note for each in (what, n_empty, reasons) for note in _group(each)]
    labels = None if label is None else table.labels(label)
    values = np.concatenate(parts, axis=1)
    return Features(values, labels, preprocessing, (*table.notes, *notes))


def _group(notes):
    """A line for each note, with the names that it is for: name -> note."""
    names = defaultdict(list)
    for name, note in notes.items():
        if note:
            names[note].append(name)
    return [f"{join_names(those)}: {note}" for note, those in names.items()]

"""Where the names and the rows of a table are, found from its first lines."""

import re
from collections import Counter
from dataclasses import dataclass

from models.data.labels import find_labels
from models.data.numbers import is_number

TOTAL = r"(grand |sub)?total|sum|summe|gesamt|average|mean|mittelwert|durchschnitt"


@dataclass(frozen=True)
class Layout:
    """The first lines of a table, as they are meant.

    Attributes:
        n_skipped: how many of the records are not rows: titles, names, units.
        names: the names in the header, "" where there is none; `None` without a header.
        notes: what was done.
    """

    n_skipped: int
    names: list[str] | None
    notes: tuple[str, ...] = ()


def find_layout(records: list[list[str]], label_name: str | None = None) -> Layout:
    """The layout of a table.

    Args:
        records: the fields of the first lines, without outer spaces.
        label_name: a name that only a header can have.
    """
    n_titles, notes = _count_titles(records), []
    if n_titles:
        titles = ", ".join(
            filter(None, (field for r in records[:n_titles] for field in r))
        )
        notes.append(f"left out above the table: {titles}")
    records = records[n_titles:]
    if not records or not is_header(records[0], records[1:], label_name):
        return Layout(n_titles, None, tuple(notes))
    names = [" ".join(name.split()) for name in records[0]]
    if not _is_second_header(records):
        return Layout(n_titles + 1, names, tuple(notes))
    second = records[1]
    shown = ", ".join(filter(None, second))
    if "" in names[1:] or len(set(names)) < len(names):
        names = _merge(names, second)
        notes.append(f"names of two lines: {', '.join(names)}")
    else:
        notes.append(f"left out below the names: {shown}")
    return Layout(n_titles + 2, names, tuple(notes))


def _count_titles(records):
    """How many lines above the table have one field at most, and most lines more."""
    filled = [sum(map(bool, record)) for record in records]
    usual = Counter(filled).most_common(1)[0][0] if records else 0
    if usual < 2:
        return 0
    is_title = [
        n == 0 or n == 1 and bool(record[0]) and not is_number(record[0])
        for n, record in zip(filled, records, strict=True)
    ]
    return is_title.index(False) if False in is_title else 0


def is_header(first: list[str], below: list[list[str]], label_name=None) -> bool:
    """Whether fields are names: no numbers, or above numbers, or years or 0, 1, ..."""
    words = [field for field in first if field and not is_number(field)]
    if find_labels(words, label_name) is not None or _counts(first):
        return True
    columns = [[r[i] for r in below if i < len(r)] for i in range(len(first))]
    is_repeated = any(
        name in column for name, column in zip(first, columns, strict=True) if name
    )
    is_above = any(
        name in words and column and is_number(column[0]) and column[0]
        for name, column in zip(first, columns, strict=True)
    )
    n_named = sum(map(bool, first))
    if len(words) == n_named and not is_repeated:
        return is_above or len(words) > 1 or not below and len(words) == 1
    return bool(is_above) and 2 * len(words) > n_named


def _counts(fields):
    """Whether the numbers among the fields are 0, 1, ..., or years, as in names."""
    numbers = [field for field in fields if field and is_number(field)]
    if not all(re.fullmatch(r"\d{1,4}", field) for field in numbers):
        return False
    values = [int(field) for field in numbers]
    if not values or values != list(range(values[0], values[0] + len(values))):
        return False
    is_unnamed = fields[0] == "" and values[0] == 0  # the index of pandas
    is_year = 1900 <= values[0] and values[-1] <= 2100 and len(values) > 1
    return is_unnamed or is_year or values[0] in (0, 1) and len(values) > 2


def _is_second_header(records):
    """Whether the second line holds units, or names below those of merged cells."""
    if len(records) < 3:
        return False
    second, rows = records[1], records[2:]
    numeric = [
        i
        for i in range(len(second))
        if all(is_number(row[i]) for row in rows if i < len(row))
        and any(row[i] for row in rows if i < len(row))
    ]
    above = [second[i] for i in numeric]
    is_text = any(above) and not any(field and is_number(field) for field in above)
    return (
        bool(numeric)
        and is_text
        and not any(
            second[i] in [row[i] for row in rows if i < len(row)]
            for i in range(len(second))
            if second[i] and i not in numeric
        )
    )


def _merge(names, second):
    """The names of two lines; an empty one above belongs to its left neighbour."""
    merged, last = [], ""
    for i, below in enumerate(second):
        last = (names[i] if i < len(names) else "") or last
        merged.append(f"{last} {below}".strip())
    return merged


def clean_rows(frame, names: list[str]):
    """(the rows of a pandas.DataFrame that are rows of data, notes).

    Left out are empty rows, names that are repeated, and a total at the end.
    """
    notes = []
    is_empty = frame.isna().all(axis=1)
    if is_empty.any():
        notes.append(f"{is_empty.sum()} empty rows left out")
        frame = frame[~is_empty]
    is_name = _repeats(frame, names)
    if is_name is not None and is_name.any():
        notes.append(f"{is_name.sum()} repeated lines of names left out")
        frame = frame[~is_name]
    total = _find_total(frame)
    if total:
        notes.append(f"the last row left out: {total}")
        frame = frame.iloc[:-1]
    return frame, tuple(notes)


def _repeats(frame, names):
    """Where the cells of text are the names of their columns; `None` without text."""
    is_name = None
    for i, name in enumerate(names):
        if frame.iloc[:, i].dtype.kind == "O" and (is_name is None or is_name.any()):
            equal = frame.iloc[:, i].astype(str).str.strip() == name
            is_name = equal if is_name is None else is_name & equal
    return is_name


def _find_total(frame):
    """The first word of the last row, if it names a total and is in no other row."""
    for i in range(frame.shape[1] if len(frame) > 1 else 0):
        cells = frame.iloc[:, i]
        word = str(cells.iloc[-1]).strip(" :")
        if not is_number(word):
            is_total = re.fullmatch(TOTAL, word, re.IGNORECASE)
            return word if is_total and (cells == cells.iloc[-1]).sum() == 1 else None
    return None

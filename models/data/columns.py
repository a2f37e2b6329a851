"""A column of a table: what it holds, and the entries of x that it becomes.

Numbers, booleans and dates become one entry; text becomes one entry of 0 or 1 for each
of its categories. An empty cell is NaN in every entry.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from models.data import dates, numbers

MAX_CATEGORIES = 50
N_SAMPLED = 1000  # cells that decide whether the others may be numbers
DECIMAL = {",": "decimal commas", ".": "commas separate thousands"}


@dataclass(frozen=True)
class Column:
    """A column that a model takes.

    Attributes:
        name: in the header, or "column 3" where there is none.
        kind: "number", "date" (days since 1970-01-01) or "category".
        categories: of text, one entry each; two categories are one entry, which is 1
            for the second.
        format: of dates, as of `models.data.dates.find_format`.
        decimal, unit: of numbers, as of `models.data.numbers.find_format`.
    """

    name: str
    kind: str = "number"
    categories: tuple[str, ...] = ()
    format: str | None = None
    decimal: str | None = None
    unit: str | None = None

    @property
    def entries(self) -> tuple[str, ...]:
        """The names of the entries of x."""
        shown = self.categories[len(self.categories) == 2 :]
        return tuple(f"{self.name}={word}" for word in shown) or (self.name,)

    @property
    def note(self) -> str:
        """How the column is read; "" for plain numbers."""
        if self.kind == "category":
            return f"one-hot: {', '.join(self.categories)}"
        if self.kind == "date":
            return f"dates ({self.format}) as days since {dates.EPOCH}"
        unit = "percentages as fractions" if self.unit == "%" else None
        unit = unit or self.unit and f"numbers with the unit {self.unit}"
        return ", ".join(filter(None, [DECIMAL.get(self.decimal), unit]))

    def encode(self, cells, fail: Callable) -> np.ndarray:
        """The entries of the cells of a pandas.Series, (n, len(entries)) float64.

        `fail(row, expected)` returns the error for a cell of another kind.
        """
        if self.kind == "category":
            return self._one_hot(cells, fail)
        values, empty = self._parse(cells)
        wrong = np.isnan(values) & ~empty
        if wrong.any():
            raise fail(int(wrong.argmax()), self._expected)
        if np.isinf(values).any():
            raise fail(int(np.isinf(values).argmax()), "a finite number")
        return values[:, None]

    @property
    def _expected(self):
        if self.kind == "date":
            return f"a date like {dates.example(self.format)}"
        return "a percentage" if self.unit == "%" else "a number"

    def _parse(self, cells):
        """(values, where a cell is empty), (n,) each."""
        if self.kind == "date" and cells.dtype.kind == "M":
            return dates.to_days(cells, dates.ISO), is_empty(cells)
        if self.kind == "number" and cells.dtype.kind in "biuf":
            return cells.to_numpy(np.float64, na_value=np.nan), is_empty(cells)
        words = to_words(cells)
        empty = is_empty(cells) | numbers.is_mark(words)
        if self.kind == "date":
            return dates.to_days(words.mask(empty), self.format), empty
        truth = numbers.parse_truth(words)
        if (empty | ~np.isnan(truth)).all():
            return truth, empty
        values = numbers.parse_numbers(words, self.decimal, self.unit)
        return np.where(empty, np.nan, values), empty

    def _one_hot(self, cells, fail):
        words = to_words(cells)
        empty = is_empty_text(cells, words)
        words = words.to_numpy(object)
        is_word = words[:, None] == np.array(self.categories, object)
        unknown = ~is_word.any(axis=1) & ~empty
        if unknown.any():
            raise fail(int(unknown.argmax()), f"one of {', '.join(self.categories)}")
        values = np.where(empty[:, None], np.nan, is_word)
        return values[:, len(self.categories) == 2 :]

    def decode(self, values: np.ndarray) -> list:
        """Entries, (n, len(entries)), as cells: numbers, ISO dates or categories."""
        if self.kind == "number":
            return values[:, 0].tolist()
        if self.kind == "date":
            return dates.to_text(values[:, 0])
        chosen = values[:, 0] > 0.5
        if len(self.categories) > 2:
            chosen = values.argmax(axis=1)
        return [self.categories[int(k)] for k in chosen]

    def to_json(self) -> dict:
        """The attributes that are set, of JSON's types."""
        return {key: value for key, value in asdict(self).items() if value}


def infer(
    name: str, cells, fail: Callable, has_comma: bool = False
) -> tuple[Column | None, str]:
    """(what a column holds, ""), or (`None`, why it cannot be a feature).

    Args:
        name: of the column.
        cells: a pandas.Series.
        fail: as of `Column.encode`, for a text among numbers.
        has_comma: whether the table has decimal commas.
    """
    words = None
    has_comma = has_comma and cells.dtype.kind not in "biu"
    filled = ~is_empty(cells)
    if cells.dtype.kind not in "biufM":
        words = to_words(cells)
        filled = ~is_empty_text(cells, words)
    if not filled.any():
        return None, "empty"
    if words is None:
        column = Column(name, decimal="," if has_comma else None)
        if cells.dtype.kind == "M":
            column = Column(name, "date", format=dates.ISO)
    else:
        column = _infer_text(name, words[filled], has_comma)
    if column is None:
        return None, f"text of {words[filled].nunique()} different values"
    values = column.encode(cells, fail)
    values = values[~np.isnan(values).any(axis=1)]
    if len(column.categories) == 1 or (values == values[0]).all():
        return None, "the same value in every row"
    return column, ""


def _infer_text(name, words, has_comma):
    """The column of cells of text; `None` if it has too many different ones."""
    filled = words[~numbers.is_mark(words)]
    if not np.isnan(numbers.parse_truth(filled)).any():
        return Column(name)
    for cells in (filled.iloc[:: max(1, len(filled) // N_SAMPLED)], filled):
        decimal, unit = numbers.find_format(cells, has_comma)
        values = numbers.parse_numbers(cells, decimal, unit)
        if np.isnan(values).mean() >= (0.5 if cells is filled else 0.9):
            break
    else:
        return Column(name, decimal=decimal, unit=unit)
    form = dates.find_format(filled)
    if form is not None:
        return Column(name, "date", format=form)
    categories = tuple(sorted(words.unique()))
    is_few = len(categories) <= min(MAX_CATEGORIES, max(2, len(words) / 2))
    return Column(name, "category", categories) if is_few else None


def is_empty(cells) -> np.ndarray:
    """Where a pandas.Series has no value, (n,) bool."""
    return cells.isna().to_numpy(bool)


def is_empty_text(cells, words) -> np.ndarray:
    """Where a pandas.Series of text has no value or only a mark, (n,) bool."""
    return is_empty(cells) | numbers.is_mark(words, keep=numbers.SYMBOLS)


def to_words(cells):
    """The cells as text without outer spaces, a pandas.Series; 3.0 becomes "3"."""
    if cells.dtype.kind == "O" and cells.dtype == object or cells.dtype.kind == "f":
        cells = cells.map(_to_word)
    return cells.astype(str).str.strip()


def _to_word(cell):
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell

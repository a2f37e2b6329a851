"""A column of a table: what it holds, and the entries of x that it becomes.

Numbers, booleans and dates become one entry; text becomes one entry of 0 or 1 for each
of its categories. An empty cell is NaN in every entry.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

MAX_CATEGORIES = 50
DATES = ("ISO8601", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y")  # the first that fits all cells
EPOCH, DAY = "1970-01-01", np.timedelta64(1, "D")
DECIMAL_COMMA = r"-?\d{1,3}(?:\.\d{3})*,\d+|-?\d+,\d+|-?\d+"


@dataclass(frozen=True)
class Column:
    """A column that a model takes.

    Attributes:
        name: in the header, or "column 3" where there is none.
        kind: "number", "date" (days since 1970-01-01) or "category".
        categories: of text, one entry each; two categories are one entry, which is 1
            for the second.
        format: of dates, as `pandas.to_datetime` takes it.
    """

    name: str
    kind: str = "number"
    categories: tuple[str, ...] = ()
    format: str | None = None

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
        is_date = self.kind == "date"
        return f"dates ({self.format}) as days since {EPOCH}" if is_date else ""

    def encode(self, cells, fail: Callable) -> np.ndarray:
        """The entries of the cells of a pandas.Series, (n, len(entries)) float64.

        `fail(row, expected)` returns the error for a cell of another kind.
        """
        parse = {"number": _to_numbers, "date": self._to_days}.get(self.kind)
        if parse is None:
            return self._one_hot(cells, fail)
        values = parse(cells)
        wrong = np.isnan(values) & ~is_empty(cells)
        if wrong.any():
            word = "a date" if self.kind == "date" else "a number"
            raise fail(int(wrong.argmax()), word)
        return values[:, None]

    def _to_days(self, cells):
        import pandas

        dates = pandas.to_datetime(cells, format=self.format, errors="coerce")
        if getattr(dates.dtype, "tz", None):
            dates = dates.dt.tz_convert(None)
        days = (dates - pandas.Timestamp(EPOCH)) / DAY
        return days.to_numpy(float, na_value=np.nan)

    def _one_hot(self, cells, fail):
        words, empty = _words(cells), is_empty(cells)
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
            days = np.datetime64(EPOCH) + values[:, 0].round() * DAY
            return np.datetime_as_string(days.astype("datetime64[D]")).tolist()
        chosen = values[:, 0] > 0.5
        if len(self.categories) > 2:
            chosen = values.argmax(axis=1)
        return [self.categories[int(k)] for k in chosen]

    def to_json(self) -> dict:
        """The attributes that are set, of JSON's types."""
        return {key: value for key, value in asdict(self).items() if value}


def infer(name: str, cells, fail: Callable) -> tuple[Column | None, str]:
    """(what a column holds, ""), or (`None`, why it cannot be a feature).

    cells: a pandas.Series. `fail(row, expected)` returns the error for a text among
    numbers.
    """
    import pandas

    filled = ~is_empty(cells)
    if not filled.any():
        return None, "empty"
    if pandas.api.types.is_datetime64_any_dtype(cells):
        column = Column(name, "date", format=DATES[0])
    elif cells.dtype.kind in "biuf":
        column = Column(name)
    else:
        column = _infer_text(name, cells, filled, fail)
    if column is None:
        return None, f"text of {len(set(_words(cells)[filled]))} different values"
    values = column.encode(cells, fail)[filled]
    is_constant = column.kind != "category" and (values == values[0]).all()
    if is_constant or len(column.categories) == 1:
        return None, "the same value in every row"
    return column, ""


def _infer_text(name, cells, filled, fail):
    """The column of cells of text; `None` if it has too many different ones."""
    is_number = ~np.isnan(_to_numbers(cells)) & filled
    if 2 * is_number.sum() > filled.sum():
        bad = filled & ~is_number
        if bad.any():
            raise fail(int(bad.argmax()), "a number, as in most of the column")
        return Column(name)
    words = _words(cells)[filled]
    if re.match(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", words[0]):
        for form in DATES:
            column = Column(name, "date", format=form)
            if not np.isnan(column._to_days(cells)[filled]).any():
                return column
    categories = tuple(sorted(set(words)))
    is_few = len(categories) <= min(MAX_CATEGORIES, max(2, len(words) / 2))
    return Column(name, "category", categories) if is_few else None


def is_empty(cells) -> np.ndarray:
    """Where a pandas.Series has no value, (n,) bool."""
    return cells.isna().to_numpy(bool)


def _words(cells):
    """The cells as text without outer spaces, (n,) object."""
    return cells.astype(str).str.strip().to_numpy(object)


def _to_numbers(cells):
    """The cells as float64, NaN where one is no number; a decimal comma is known."""
    import pandas

    if cells.dtype.kind in "biuf":
        return cells.to_numpy(np.float64, na_value=np.nan)
    text = pandas.Series(_words(cells))
    has_comma = text.str.fullmatch(DECIMAL_COMMA)
    if text.str.contains(",").any() and has_comma[~is_empty(cells)].all():
        text = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return pandas.to_numeric(text, errors="coerce").to_numpy(np.float64)

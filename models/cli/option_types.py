"""Types of options: text -> value, or a sentence that names what is expected."""

import argparse
import math
from typing import Annotated, Any, NamedTuple


class Word(NamedTuple):
    """How a value is written on the command line, in `Annotated[type, Word(...)]`."""

    metavar: str
    parse: Any  # text -> value; raises argparse.ArgumentTypeError


def _number(text, kind, expected, is_valid=lambda value: True):
    try:
        value = kind(text)
    except ValueError:
        value = math.inf
    if not (-math.inf < value < math.inf and is_valid(value)):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value


def integer(text: str) -> int:
    """An integer."""
    return _number(text, int, "an integer")


def number(text: str) -> float:
    """A finite number."""
    return _number(text, float, "a number")


def positive_integer(text: str) -> int:
    """An integer >= 1."""
    return _number(text, int, "an integer >= 1", lambda n: n >= 1)


def natural_number(text: str) -> int:
    """An integer >= 0."""
    return _number(text, int, "an integer >= 0", lambda n: n >= 0)


def positive_number(text: str) -> float:
    """A finite number > 0."""
    return _number(text, float, "a number > 0", lambda r: r > 0)


def fraction(text: str) -> float:
    """A number between 0 and 1, both excluded."""
    return _number(text, float, "a number between 0 and 1", lambda r: 0 < r < 1)


def row_range(text: str) -> tuple[int, int]:
    """The first and the last row: "0,59999" is (0, 59999)."""
    first, comma, last = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"expected FIRST,LAST, got {text!r}")
    first, last = natural_number(first), natural_number(last)
    if first > last:
        raise argparse.ArgumentTypeError(f"expected FIRST <= LAST, got {text!r}")
    return first, last


def folder_name(text: str) -> str:
    """A name that a folder can have."""
    if not text.strip(" .") or set(text) & set('/\\:*?"<>|'):
        raise argparse.ArgumentTypeError(
            f"expected a word that can name a folder, got {text!r}"
        )
    return text


def weight(text: str) -> float | tuple:
    """A number, or a schedule: "linear:5:0.5" is ("linear", 5.0, 0.5)."""
    kind, *numbers = text.split(":")
    if not numbers:
        return _number(text, float, "a number >= 0", lambda w: w >= 0)
    if kind not in ("linear", "cyclical") or len(numbers) > 2:
        raise argparse.ArgumentTypeError(
            f"expected a number, linear:EPOCHS:W or cyclical:PERIOD:W, got {text!r}"
        )
    period, *rest = numbers
    values = [_number(w, float, "a weight >= 0", lambda w: w >= 0) for w in rest]
    return kind, positive_number(period), *values


def show(value) -> str:
    """A value as it is written on the command line; widths as "256-128"."""
    if isinstance(value, tuple | list):
        between = ":" if value and isinstance(value[0], str) else "-"
        return between.join(map(show, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


Positive = Annotated[int, Word("N", positive_integer)]
Natural = Annotated[int, Word("N", natural_number)]
Rate = Annotated[float, Word("R", positive_number)]
Fraction = Annotated[float, Word("F", fraction)]
RowRange = Annotated[tuple, Word("FIRST,LAST", row_range)]
FolderName = Annotated[str, Word("NAME", folder_name)]
WeightText = Annotated[Any, Word("W", weight)]

"""Types of options: text -> value, or a message with what is expected."""

import argparse
import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple

from models import VARIANTS


class Word(NamedTuple):
    """How a value is written on the command line, in `Annotated[type, Word(...)]`.

    Attributes: those of `argparse`; `type` raises `argparse.ArgumentTypeError`.
    """

    metavar: str
    type: Callable[[str], Any] = str


def require(is_valid: bool, expected: str, text: str) -> None:
    """Raises the error of `argparse` unless the text is what was expected."""
    if not is_valid:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """A question with the known word that is most like the text, or nothing."""
    found = get_close_matches(text, known, 1)
    return f"; did you mean {found[0]}?" if found else ""


def number_type(kind: type, expected: str, is_valid=lambda value: True):
    """A function text -> finite number of this kind, if it is valid."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.inf
        require(-math.inf < value < math.inf and is_valid(value), expected, text)
        return value

    return parse


integer = number_type(int, "an integer")
number = number_type(float, "a number")
positive_integer = number_type(int, "an integer >= 1", lambda n: n >= 1)
natural_number = number_type(int, "an integer >= 0", lambda n: n >= 0)
two_or_more = number_type(int, "an integer >= 2", lambda n: n >= 2)
positive_number = number_type(float, "a number > 0", lambda r: r > 0)
fraction = number_type(float, "a number between 0 and 1", lambda r: 0 < r < 1)
weight_number = number_type(float, "a number >= 0", lambda w: w >= 0)


def row_range(text: str) -> tuple[int, int]:
    """The first and the last row: "0,59999" is (0, 59999)."""
    first, comma, last = text.partition(",")
    require(comma, "FIRST,LAST", text)
    first, last = natural_number(first), natural_number(last)
    require(first <= last, "FIRST <= LAST", text)
    return first, last


def folder_name(text: str) -> str:
    """A name that a folder can have."""
    is_valid = text.strip(" .") and not set(text) & set('/\\:*?"<>|')
    require(is_valid, "a name of a folder", text)
    return text


def weight(text: str) -> float | tuple:
    """A number, or a schedule: "linear:5:0.5" is ("linear", 5.0, 0.5)."""
    kind, *numbers = text.split(":")
    if not numbers:
        return weight_number(text)
    is_schedule = kind in ("linear", "cyclical") and len(numbers) <= 2
    require(is_schedule, "a number, linear:EPOCHS:W or cyclical:PERIOD:W", text)
    return kind, positive_number(numbers[0]), *map(weight_number, numbers[1:])


def variant_name(text: str) -> str:
    """One of the names in VARIANTS."""
    if text not in VARIANTS:
        known, question = ", ".join(VARIANTS), did_you_mean(text, VARIANTS)
        message = f"expected one of {known}, got {text!r}{question}"
        raise argparse.ArgumentTypeError(message)
    return text


def show(value) -> str:
    """A value as it is written on the command line; widths as "256-128"."""
    if isinstance(value, tuple | list):
        between = ":" if value and isinstance(value[0], str) else "-"
        return between.join(map(show, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


Positive = Annotated[int, Word("N", positive_integer)]
Natural = Annotated[int, Word("N", natural_number)]
TwoOrMore = Annotated[int, Word("N", two_or_more)]
Row = Annotated[int, Word("ROW", natural_number)]
ClassNumber = Annotated[int, Word("K", natural_number)]
Rate = Annotated[float, Word("R", positive_number)]
Fraction = Annotated[float, Word("F", fraction)]
RowRange = Annotated[tuple, Word("FIRST,LAST", row_range)]
FolderName = Annotated[str, Word("NAME", folder_name)]
WeightText = Annotated[Any, Word("W", weight)]
VariantName = Annotated[str, Word("NAME", variant_name)]
Source = Annotated[str, Word("NAME|PATH")]
DataName = Annotated[str, Word("DATA")]
LabelSource = Annotated[str, Word("COLUMN|PATH")]
ColumnName = Annotated[str, Word("COLUMN")]
Label = Annotated[str, Word("LABEL")]
Folder = Annotated[str, Word("FOLDER")]
SavedModel = Annotated[str, Word("RUN|PATH")]
JsonFile = Annotated[str, Word("FILE")]
RunName = Annotated[str, Word("RUN")]

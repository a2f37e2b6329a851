"""Types of options: text -> value, or a sentence."""

import argparse
import math


def whole(text):
    return _number(text, int, "an integer >= 1", lambda n: n >= 1)


def not_negative(text):
    return _number(text, int, "an integer >= 0", lambda n: n >= 0)


def above_zero(text):
    return _number(text, float, "a number > 0", lambda r: 0 < r < math.inf)


def above_zero_or_learn(text):
    return text if text == "learn" else above_zero(text)


def fraction(text):
    return _number(text, float, "a number between 0 and 1", lambda r: 0 < r < 1)


def row_range(text):
    """ "0,59999": the first and the last row, [0, 59999]."""
    first, comma, last = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"expected FIRST,LAST, got {text!r}")
    first, last = not_negative(first), not_negative(last)
    if first > last:
        raise argparse.ArgumentTypeError(f"expected FIRST <= LAST, got {text!r}")
    return [first, last]


def tag(text):
    """A name that can be a folder's."""
    if not text.strip(" .") or set(text) & set('/\\:*?"<>|'):
        raise argparse.ArgumentTypeError(
            f"expected a word that can name a folder, got {text!r}"
        )
    return text


def kl_weight(text):
    """Checked here, kept as text: it is what config.json shows."""
    kind, *numbers = text.split(":")
    if not numbers:
        _number(text, float, "a number >= 0", lambda w: 0 <= w < math.inf)
    elif kind not in ("linear", "cyclical") or len(numbers) > 2:
        raise argparse.ArgumentTypeError(
            f"expected a number, linear:EPOCHS:W or cyclical:PERIOD:W, got {text!r}"
        )
    else:
        above_zero(numbers[0])
        for weight in numbers[1:]:
            _number(weight, float, "a weight >= 0", lambda w: 0 <= w < math.inf)
    return text


def _number(text, kind, expected, is_good):
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not is_good(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value

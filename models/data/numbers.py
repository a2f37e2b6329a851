"""Text as numbers: decimal commas, thousands, units, and marks of an empty cell."""

import numpy as np

# Beside the marks that pandas knows, in lower case; the last are errors of Excel.
EMPTY = ("", "?", "-", "--", ".", "–", "—", "n.a.", "n/a", "na", "nan", "null", "none")
EMPTY += ("k.a.", "#n/a", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!")
SYMBOLS = ("-", "--", ".", "–", "—")  # which may be a word, as in "+", "-"
N_SAMPLED = 1000  # cells that decide on a format
SPACES = r"(?<=\d)[\s'’](?=\d{3})"  # between thousands
SIGN = r"[-+−]?"
PLAIN = rf"{SIGN}(?:\d[\d.,]*|[.,]\d+)(?:[eE][-+]?\d+)?"
UNIT = r"%|[^\W\d_]{1,4}[²³]?(?:/[^\W\d_]{1,3}[²³]?)?|°[CF]?|[$€£¥]"
WITH_UNIT = rf"([$€£¥]?)\s*({PLAIN})\s*({UNIT})?"
COMMA = rf"{SIGN}(?:\d{{1,3}}(?:\.\d{{3}})+|\d*),\d+(?:[eE][-+]?\d+)?"
DOT_THOUSANDS = rf"{SIGN}[1-9]\d{{0,2}}(?:\.\d{{3}})+(?:,\d*)?"
COMMA_THOUSANDS = rf"{SIGN}[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?"
TRUTH = {"true": 1.0, "false": 0.0}


def is_number(field: str) -> bool:
    """Whether a field of text is a plain number, one with a decimal comma, or empty."""
    try:
        float(field.replace(",", ".") or "nan")
    except ValueError:
        return field.lower() in EMPTY
    return True


def is_mark(words, keep: tuple[str, ...] = ()) -> np.ndarray:
    """Where a pandas.Series of text is a mark of an empty cell, but for `keep`."""
    marks = [mark for mark in EMPTY if mark not in keep]
    return words.str.lower().isin(marks).to_numpy(bool)


def find_format(words, has_comma: bool = False) -> tuple[str | None, str | None]:
    """(decimal, unit) of most numbers of a pandas.Series of text.

    decimal: "," for a decimal comma; "." where commas separate thousands; else `None`.
    unit: what stands before or behind the numbers, or `None`.
    has_comma: whether other columns have decimal commas, for "1.234" or "1,234".
    """
    odd = words[np.isnan(_plain(words))]
    step = max(1, len(odd) // N_SAMPLED)
    odd = odd.iloc[::step]
    found = odd.str.replace(SPACES, "", regex=True).str.extract(f"^{WITH_UNIT}$")
    units = found[0].where(found[0].fillna("") != "", found[2]).dropna()
    unit = units.mode().iat[0] if 2 * step * len(units) > len(words) else None
    text = found[1].dropna()
    with_comma = text[text.str.contains(",")]
    if with_comma.empty:
        return "," if has_comma else None, unit
    is_decimal = _share(with_comma, COMMA)
    is_thousands = _share(with_comma, COMMA_THOUSANDS)
    if is_decimal == is_thousands:
        return "," if has_comma else ".", unit
    return "," if is_decimal > is_thousands else ".", unit


def _plain(words):
    import pandas

    return pandas.to_numeric(words, errors="coerce").to_numpy(np.float64, copy=True)


def _share(text, pattern):
    """The share of a pandas.Series of text that a pattern matches."""
    return text.str.fullmatch(pattern).mean()


def parse_numbers(words, decimal: str | None = None, unit: str | None = None):
    """A pandas.Series of text as float64, (n,), NaN where one is no number.

    A percentage is a fraction.

    Args:
        words: text without outer spaces.
        decimal: as of `find_format`.
        unit: as of `find_format`.
    """
    words = words.reset_index(drop=True)
    values = _plain(words)
    odd = np.isnan(values) | (unit == "%")
    if decimal == ",":
        odd |= words.str.contains(".", regex=False).to_numpy(bool)
    values[odd] = _parse_odd(words[odd], decimal, unit)
    return values


def _parse_odd(words, decimal, unit):
    """Numbers with spaces, units, thousands or decimal commas, (n,) float64."""
    text = words.str.replace(SPACES, "", regex=True).str.replace("−", "-")
    if unit:
        found = text.str.extract(f"^{WITH_UNIT}$")
        is_unit = (found[0] == unit) | (found[2] == unit)
        text = text.mask(is_unit, found[1])
        if unit == "%":  # a number beside percentages is not clear
            text = text.where(is_unit)
    if decimal:
        pattern = DOT_THOUSANDS if decimal == "," else COMMA_THOUSANDS
        is_grouped = text.str.fullmatch(pattern).fillna(False).astype(bool)
        separator = "." if decimal == "," else ","
        text = text.mask(is_grouped, text.str.replace(separator, "", regex=False))
    if decimal == ",":
        text = text.str.replace(",", ".", regex=False)
    return _plain(text) / (100 if unit == "%" else 1)


def parse_truth(words) -> np.ndarray:
    """True and false as 1 and 0, (n,) float64, NaN for other words."""
    return words.str.lower().map(TRUTH).to_numpy(np.float64)

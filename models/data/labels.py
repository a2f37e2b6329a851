"""Labels: which column or key holds them, and their codes."""

import numpy as np

from models.data.errors import DataError

NAMES = ("label", "labels", "class", "target", "y", "y_train")  # in any case
NONE = "none"  # as the name of the labels: there are none


def find_labels(names: list[str], wanted: str | None = None) -> str | None:
    """The name of the labels among those of columns or keys, or `None`.

    wanted: their name, if it is known. Else it is a usual one; but y beside x or z is a
    coordinate.
    """
    if wanted is not None:
        return wanted if wanted in names else None
    usual = {name.lower(): name for name in reversed(names)}
    if usual.keys() & {"x", "z"}:
        usual.pop("y", None)
    return next((usual[name] for name in NAMES if name in usual), None)


def encode_labels(raw: np.ndarray | None, source):
    """(codes (n,) int64 from 0 on, the name of each code); None, None for None.

    raw: (n,) or (n, 1) integers, whole floats, booleans or text. Text that is all
    numbers counts as numbers.
    """
    if raw is None:
        return None, None
    raw = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
    if raw.ndim != 1 or raw.dtype.kind not in "biufU":
        raise DataError(
            f"{source}: expected integers or text, one label for each row, got "
            f"shape {raw.shape} and dtype {raw.dtype}."
        )
    values = _as_numbers(np.char.strip(raw)) if raw.dtype.kind == "U" else raw
    if values.dtype.kind == "U":
        bad = np.isin(np.char.lower(values), ("", "nan"))
    else:
        bad = ~np.isfinite(values) | (values != np.floor(values))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{source}: {bad.sum()} labels are not integers or text, the first in row "
            f"{row} (counted from 0) is {values[row].item()!r}; give every row a "
            "label, or use --labels none."
        )
    if values.dtype.kind == "f" and np.all(np.abs(values) < 2.0**63):
        values = values.astype(np.int64)
    names, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), tuple(str(name) for name in names.tolist())


def _as_numbers(words):
    """Words that are all numbers, none of them rounded, as numbers; else the words."""
    for dtype in (np.int64, np.uint64, np.float64):
        try:
            values = words.astype(dtype)
        except (ValueError, OverflowError):
            continue
        is_exact = dtype is not np.float64 or not np.any(np.abs(values) > 2.0**53)
        return values if is_exact else words
    return words

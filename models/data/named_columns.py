"""The columns of a table as typed arrays by name, as figures take them."""

import numpy as np

from models.data.dates import EPOCH
from models.data.preprocessing import Preprocessing


def named_columns(preprocessing: Preprocessing, values) -> dict[str, np.ndarray]:
    """Name -> column, (...): float64, datetime64 or, of categories, text.

    Args:
        preprocessing: of a table.
        values: (..., d) in the user's units, as `Preprocessing.inverse` returns them.
            NaN remains NaN or becomes NaT or "".
    """
    pairs = preprocessing.slices()
    return {each.name: _typed(each, values[..., where]) for each, where in pairs}


def _typed(column, entries):
    """The values of a column; `entries` are (..., number of entries)."""
    if column.kind == "number":
        return entries[..., 0].astype(np.float64)
    if column.kind == "date":
        seconds = np.nan_to_num(entries[..., 0] * 86_400).round().astype("m8[s]")
        dates = np.datetime64(EPOCH, "s") + seconds
        return np.where(np.isnan(entries[..., 0]), np.datetime64("NaT"), dates)
    flat = entries.reshape(-1, entries.shape[-1])
    words = np.array(column.decode(flat), str).reshape(entries.shape[:-1])
    return np.where(np.isnan(entries[..., 0]), "", words)

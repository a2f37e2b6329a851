"""What is done with values before a model takes them: fitted once, then applied.

    x = (values - mean) / scale,

entry by entry, with the mean and the standard deviation of the training rows, 0 and 1
for entries of categories; an empty cell is the mean of its entry. Images of integers
are divided by the value of white. A run stores this in its config.json and applies it
to everything that it is given afterwards.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from sklearn.preprocessing import StandardScaler

from models.blocks.ondisk_array import Rows, slices
from models.data.columns import Column


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """The preprocessing of a table, or of images.

    Attributes:
        kind: "table", rows of columns, or "images".
        columns: of a table that was read from a file of tables, else `None`.
        labels: the name of the column, key or file of the labels, or `None`.
        left_out: name -> reason, for columns that are not used.
        standardize: whether a table is standardised.
        mean, scale: (d,) float64, as above; `None` before `fit`.
        empty: (d,) float64, the values of empty cells.
        white: the number that integers of images are divided by, or `None`.
        image: how images are read: `size`, `resize` and `mode` of a folder,
            `image_shape` of rows of columns.
    """

    kind: str
    columns: tuple[Column, ...] | None = None
    labels: str | None = None
    left_out: dict | None = None
    standardize: bool = False
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None
    empty: np.ndarray | None = None
    white: int | None = None
    image: dict | None = None

    @property
    def entries(self) -> tuple[str, ...] | None:
        """The names of the entries of a row of x, or `None` for images."""
        if self.kind == "images":
            return None
        if self.columns is None:
            return tuple(f"column {i + 1}" for i in range(len(self.mean)))
        return tuple(name for column in self.columns for name in column.entries)

    def slices(self) -> list[tuple[Column, slice]]:
        """Each column of a table, and where its entries are in a row of x."""
        pairs, first = [], 0
        for column in self.columns or map(Column, self.entries):
            last = first + len(column.entries)
            pairs.append((column, slice(first, last)))
            first = last
        return pairs

    def unstandardized(self) -> "Preprocessing":
        """The same, but for the scale of a table."""
        return replace(self, standardize=False)

    def fit(self, rows: Rows) -> "Preprocessing":
        """The same, fitted to a table (n, d); images need no fit."""
        if self.kind == "images":
            return self
        scaler = StandardScaler()  # leaves NaN out
        for part in slices(rows):
            scaler.partial_fit(rows.read_raw(part.start, part.stop).astype(np.float64))
        empty, scale = np.nan_to_num(scaler.mean_), np.nan_to_num(scaler.scale_, nan=1)
        kinds = [each.kind for each in self.columns or () for _ in each.entries]
        is_category = np.array(kinds or ["number"] * len(empty)) == "category"
        mean, scale = np.where(is_category, [[0.0], [1.0]], [empty, scale])
        return replace(self, mean=mean, scale=scale, empty=empty)

    def apply(self, rows: Rows) -> Rows:
        """The rows as a model takes them."""
        if self.kind == "table":
            return TransformedRows(rows, self)
        is_integer = rows.read_raw(0, 0).dtype.kind in "iu"
        rows = copy(rows)
        rows.scale = self.white if is_integer else None
        return rows

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Values of a table, (n, d), as x, float32."""
        values = np.array(values, np.float64)
        np.copyto(values, self.empty, where=np.isnan(values))
        if self.standardize:
            values -= self.mean
            values /= self.scale
        return values.astype(np.float32)

    def inverse(self, x: np.ndarray) -> np.ndarray:
        """x, or a mean of p(x|z), (..., d), in the user's units; images as they are."""
        return x * self.scale + self.mean if self.standardize else x

    def to_cells(self, x: np.ndarray) -> dict[str, list]:
        """x of a table, (n, d), as columns in the user's units: name -> cells."""
        values = self.inverse(x)
        return {
            column.name: column.decode(values[:, where])
            for column, where in self.slices()
        }

    def to_json(self) -> dict:
        """What `from_json` reads, of JSON's types."""
        content = {}
        for key, value in vars(self).items():
            if isinstance(value, np.ndarray):
                value = value.tolist()
            if value is not None:
                content[key] = value
        if self.columns is not None:
            content["columns"] = [column.to_json() for column in self.columns]
        return content

    @classmethod
    def from_json(cls, content: dict) -> "Preprocessing":
        """The preprocessing of a config.json."""
        content = dict(content)
        for key in content.keys() & {"mean", "scale", "empty"}:
            content[key] = np.array(content[key], np.float64)
        if "columns" in content:
            content["columns"] = tuple(
                Column(**each | {"categories": tuple(each.get("categories", ()))})
                for each in content["columns"]
            )
        return cls(**content)


class TransformedRows(Rows):
    """Rows of a table as a model takes them, read when they are indexed."""

    def __init__(self, rows: Rows, preprocessing: Preprocessing):
        self.rows, self.preprocessing, self.shape = rows, preprocessing, rows.shape

    def read_raw(self, first, last):
        parts = np.empty((max(last - first, 0), *self.shape[1:]), np.float32)
        for part in slices(parts):
            raw = self.rows.read_raw(first + part.start, first + part.stop)
            parts[part] = self.preprocessing.transform(raw)
        return parts

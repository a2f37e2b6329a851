"""The data of an experiment: a named data set, or the user's own file or folder.

`load` hands back a `Dataset`, or refuses with a `DataError` that says what to do.
"""

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.blocks.ondisk_array import Binarized, Rows, chunks
from models.data import builtin_datasets, files, on_disk
from models.data.builtin_datasets import NAMES
from models.data.errors import DataError

GAUSSIAN = (
    "use --likelihood gaussian, which takes any real values, or scale the data to "
    "[0, 1]"
)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to learn from, and labels that serve scores and colours only."""

    name: str
    kind: str  # one of `NAMES`, or "yours"
    x: np.ndarray | Rows  # (n, *input_shape) float32, C-contiguous or on disk
    labels: np.ndarray | None  # (n,) int64, codes 0..n_classes-1
    label_names: tuple[str, ...] | None  # what code k means
    note: str  # what was done on reading, "" if nothing

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.x.shape[1:]

    @property
    def is_image(self) -> bool:
        """True for (h, w) and (h, w, channels)."""
        return len(self.input_shape) in (2, 3)

    @property
    def in_unit_interval(self) -> bool:
        return bool(self.x.min() >= 0 and self.x.max() <= 1)

    def part(self, rows):
        """The rows from the first to the last of `rows`, both included, or all."""
        if rows is None:
            return self
        first, last = rows
        if last >= len(self.x):
            raise DataError(
                f"--range {first},{last}: {self.name} has {len(self.x)} rows, 0 to "
                f"{len(self.x) - 1}; give rows among these."
            )
        return self._rows(slice(first, last + 1))

    def binarized(self, seed):
        """Each entry 1 with the probability that it was, else 0; on disk or not."""
        drawn = Binarized(self.x, seed)
        return replace(self, x=drawn if self.is_on_disk else drawn[:])

    def hold_out(self, fraction, seed):
        """(the rows to train on, the rows held out), the latter drawn by the seed.

        Both keep their order. With no fraction nothing is held out, and the second is
        `None`.
        """
        if not fraction:
            return self, None
        if self.is_on_disk:
            raise DataError(
                f"--hold-out {fraction}: {self.name} stays on disk, and rows drawn "
                "of it may not fit into memory; give models.evaluate a file of its own."
            )
        n = len(self.x)
        held = np.zeros(n, bool)
        rng = np.random.default_rng(seed)
        held[rng.choice(n, round(fraction * n), replace=False)] = True
        if held.all() or not held.any():
            raise DataError(
                f"--hold-out {fraction}: of the {n} rows of {self.name} some must be "
                "left to train on, and some to hold out; give another fraction."
            )
        return self._rows(~held), self._rows(held)

    @property
    def is_on_disk(self) -> bool:
        return isinstance(self.x, Rows)

    def every(self, step):
        """One row of `step`, in memory."""
        return self._rows(slice(None, None, step))

    def _rows(self, rows):
        labels = None if self.labels is None else self.labels[rows]
        if self.is_on_disk and isinstance(rows, slice) and rows.step is None:
            return replace(self, x=self.x.view(rows.start, rows.stop), labels=labels)
        return replace(self, x=self.x[rows], labels=labels)


def load(
    source: str | Path,
    labels: str | Path | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    stream: bool | None = None,
) -> Dataset:
    """Reads the data that `source` names, with values ready for a network.

    Args:
      source: one of `NAMES`; or NAME:PATH, the same from a downloaded mnist.npz; or
        the path of an .npz, .npy, .csv, .txt or .parquet file or of a folder of images.
      labels: the column of a table, or the key of an .npz, with the labels; or the
        path of a file with one label for each row.
      image_size: the side, or (height, width), to resize a folder of images to.
      split: "train", or "test" for the images that MNIST's makers set apart.
      stream: whether an .npy, a .parquet or a folder of images stays on disk and is
        read as it is needed; for `None` numbers of more than a GiB do.

    Raises:
      DataError: the data is missing, damaged, nothing a network can learn from, or has
        no test images of its own.
    """
    kind, path = _resolve(str(source))
    label_name, label_file = _split_labels(labels)
    if kind in NAMES:
        on_disk.is_wanted(None, stream)
        builtin_datasets.refuse_options(kind, label_name, image_size)
        x, codes, label_names = builtin_datasets.read(kind, path, split)
    elif split == "test":
        raise builtin_datasets.no_test_split(source)
    elif on_disk.is_wanted(path, stream, label_name):
        if not path.is_dir():
            _check_shape(on_disk.open_file(path, label_name), source)
        x, codes, label_names, note = on_disk.open_rows(path, label_name, image_size)
    else:
        x, codes, label_names = files.read(path, label_name, image_size)
    if label_file is not None:
        codes, label_names = files.read_labels(label_file)
    _check_shape(x, source)
    _check_label_count(x, codes, label_file or source)
    if not isinstance(x, Rows):
        x, note = _as_floats(x, source, white=16 if kind == "digits" else 255)
        x = np.ascontiguousarray(x)
    name = kind if kind in NAMES else _own_name(path)
    return Dataset(name, kind, x, codes, label_names, note)


def check_unit_interval(dataset: Dataset, way_out: str = GAUSSIAN) -> None:
    """Refuses data that a Bernoulli decoder cannot have produced.

    way_out: what to do then.
    """
    if dataset.in_unit_interval:
        return
    x = dataset.x
    outside = sum(np.count_nonzero((part < 0) | (part > 1)) for part in chunks(x))
    raise DataError(
        f"{dataset.name}: a Bernoulli decoder expects values in [0, 1], but {outside} "
        f"of {x.size} are outside (smallest {x.min():g}, largest {x.max():g}); "
        f"{way_out}."
    )


def check_enough_rows(dataset: Dataset, batch_size: int, n_components: int) -> None:
    """Refuses fewer rows than a batch holds, or than there are classes."""
    n_rows = len(dataset.x)
    if n_rows < 2:
        raise DataError(f"{dataset.name} has {n_rows} row; give at least 2 rows.")
    if n_rows < batch_size:
        raise DataError(
            f"--batch-size {batch_size}: {dataset.name} has only {n_rows} rows; give a "
            f"--batch-size of at most {n_rows}, or more data."
        )
    if n_rows < n_components:
        raise DataError(
            f"--n-components {n_components}: {dataset.name} has only {n_rows} rows; "
            f"give at most {n_rows} classes, or more data."
        )


# --- What the arguments of load mean --------------------------------------------------


def _resolve(source: str) -> tuple[str, Path | None]:
    """The kind of the data, and the path to read it from unless it needs none.

    A downloaded mnist.npz is the data set `mnist` under its own name too.
    """
    if source in NAMES:
        return source, None
    name, colon, rest = source.partition(":")
    if colon and name in NAMES:
        return name, builtin_datasets.path_after_colon(name, rest)
    path = Path(source).expanduser()
    if not path.exists():
        near = difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "check the path."
        raise DataError(
            f"{source}: expected a file, a folder or one of {', '.join(NAMES)}, but "
            f"there is nothing of that name; {hint}"
        )
    return "mnist" if path.name == "mnist.npz" else "yours", path


def _own_name(path: Path) -> str:
    path = path.resolve()
    return path.name if path.is_dir() else path.stem


def _split_labels(labels: str | Path | None) -> tuple[str | None, Path | None]:
    """`labels` as the name of a column or key, or as the path of a file."""
    suffixes = files.ARRAY_SUFFIXES + files.TABLE_SUFFIXES
    if labels is None or Path(labels).suffix.lower() not in suffixes:
        return None if labels is None else str(labels), None
    return None, Path(labels).expanduser()


# --- Shapes and values ----------------------------------------------------------------


def _check_shape(x: np.ndarray, source: str | Path) -> None:
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"{source}: expected real numbers, got an array of dtype {x.dtype}; "
            "convert it to numbers first."
        )
    if x.ndim not in (2, 3, 4):
        raise DataError(
            f"{source}: expected (rows, features) or images (rows, height, width) or "
            f"(rows, height, width, channels), got shape {x.shape}; reshape the array."
        )
    if x.size == 0:
        missing = "rows" if len(x) == 0 else "features"
        raise DataError(
            f"{source}: expected at least one row and one feature, but there are no "
            f"{missing}, the shape is {x.shape}."
        )


def _check_label_count(x: np.ndarray, codes: np.ndarray | None, where) -> None:
    if codes is not None and len(codes) != len(x):
        raise DataError(
            f"{where}: expected one label for each of the {len(x)} rows, got "
            f"{len(codes)} labels; give labels and data of the same length."
        )


def _as_floats(x: np.ndarray, source, white: int) -> tuple[np.ndarray, str]:
    """The values as float32, integers 0..white as 0..1, and a note on what was done."""
    if x.dtype.kind == "f":
        return _rounded(x, source), ""
    if x.dtype.kind == "b":
        return x.astype(np.float32), "booleans read as 0 and 1"
    low, high = int(x.min()), int(x.max())
    x = x.astype(np.float32)
    if low < 0 or high > white:
        return x, f"integers {low}..{high} kept as they are"
    if high > 1:
        return x / np.float32(white), f"integers {low}..{high} divided by {white}"
    return x, ""


def _rounded(x: np.ndarray, source: str | Path) -> np.ndarray:
    """Finite floats as float32."""
    _check_finite(x, source, "NaN or infinite; remove or replace them")
    with np.errstate(over="ignore"):
        x = x.astype(np.float32)
    _check_finite(x, source, "too large for float32; scale the data down")
    return x


def _check_finite(x: np.ndarray, source: str | Path, trouble: str) -> None:
    bad = ~np.isfinite(x)
    if not bad.any():
        return
    row, *column = np.unravel_index(bad.argmax(), x.shape)
    n_rows = np.count_nonzero(bad.reshape(len(x), -1).any(axis=1))
    raise DataError(
        f"{source}: expected finite numbers, but {np.count_nonzero(bad)} values in "
        f"{n_rows} rows (the first in row {row}, column {', '.join(map(str, column))}, "
        f"counted from 0) are {trouble}."
    )

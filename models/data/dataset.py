"""A data set, and its checks against a configuration."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from models.blocks.ondisk_array import ArrayRows, Binarized, Rows, View
from models.data.errors import DataError, join_names
from models.data.named_columns import named_columns
from models.data.preprocessing import Preprocessing

N_DIGESTED = 1000  # rows on disk that `digest` reads
USE_REAL = "use --likelihood gaussian or student_t for real values"
USE_GAUSSIAN = "use --likelihood gaussian, or scale the data to [0, 1]"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to train on; the labels serve evaluation and colours.

    Attributes:
        name: of the built-in data set, or of the file without its suffix.
        kind: one of `models.data.builtin_datasets.NAMES`, or "custom".
        values: the `Rows` (n, ...) as they are stored.
        labels: (n,) int64, codes 0..n_classes-1, or `None`.
        label_names: the name of each code, or `None`.
        preprocessing: the `Preprocessing` from values to x.
        notes: what was done to read the data.
        is_on_disk: whether x is read when it is indexed.
    """

    name: str
    kind: str
    values: Rows
    labels: np.ndarray | None
    label_names: tuple[str, ...] | None
    preprocessing: Preprocessing
    notes: tuple[str, ...] = ()
    is_on_disk: bool = False

    @cached_property
    def x(self) -> np.ndarray | Rows:
        """(n, *input_shape) float32, C-contiguous in memory, or on disk."""
        rows = self.preprocessing.apply(self.values)
        return rows if self.is_on_disk else rows[:]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.values.shape[1:]

    @property
    def is_image(self) -> bool:
        """Whether rows are (h, w) or (h, w, channels)."""
        return len(self.input_shape) in (2, 3)

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the entries of a row of x; `None` for images."""
        return self.preprocessing.entries

    def columns_of(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of a table by name, of x or a mean of p(x|z), (..., d).

        They are in the user's units, as of `models.data.named_columns`.
        """
        return named_columns(self.preprocessing, self.preprocessing.inverse(x))

    @property
    def stored_columns(self) -> dict[str, np.ndarray]:
        """The columns of a table as they are stored: empty cells stay empty."""
        return named_columns(self.preprocessing, self.values.raw(slice(None)))

    def describe(self) -> str:
        """What the data are, in lines: rows, features, labels, notes."""
        features = " x ".join(map(str, self.input_shape))
        if self.columns:
            features = f"{len(self.columns)} features: {join_names(self.columns)}"
        labels = "no labels"
        if self.labels is not None:
            n = len(np.unique(self.labels))
            name = self.preprocessing.labels
            labels = f"labels: {name} ({n})" if name else f"{n} classes"
        first = f"{self.name}: {len(self.values)} rows of {features}; {labels}"
        on_disk = ("read as they are needed",) * self.is_on_disk
        return "\n  ".join([first, *self.notes, *on_disk, self._scale])

    @property
    def _scale(self):
        """What is done with the scale."""
        if not self.is_image:
            is_standardized = self.preprocessing.standardize
            return "standardised" if is_standardized else "in the units of the columns"
        shown, white = "", self.preprocessing.white
        if isinstance(self.values, ArrayRows):  # others would be read for it
            shown = " {:g}..{:g}".format(*map(float, self.values.raw_extremes))
        if self.values.read_raw(0, 0).dtype.kind not in "iu" or white in (None, 1):
            return f"values{shown or ' as they are'}"
        return f"integers{shown} divided by {white}"

    def fit_preprocessing(self) -> "Dataset":
        """The same data, preprocessed as fits these rows."""
        fitted = self.preprocessing.fit(self.values)
        return replace(self, preprocessing=fitted)

    def unstandardized(self) -> "Dataset":
        """The same data, a table in the units of its columns."""
        return replace(self, preprocessing=self.preprocessing.unstandardized())

    @cached_property
    def extremes(self) -> tuple[float, float]:
        """(minimum, maximum) of x; read once."""
        return self.preprocessing.apply(self.values).extremes

    @property
    def digest(self) -> str:
        """SHA-256 of x and the labels; of data on disk, of rows spread over them."""
        n, rows = len(self.x), slice(None)
        if self.is_on_disk:
            rows = np.linspace(0, n - 1, min(n, N_DIGESTED)).astype(int)
        digest = hashlib.sha256(f"{self.x.shape}, {self.label_names}".encode())
        for each in (self.x, self.labels):
            if each is not None:
                digest.update(np.ascontiguousarray(each[rows]))
        return digest.hexdigest()

    def select_rows(self, rows: tuple[int, int] | None) -> "Dataset":
        """The rows (first, last), both included; all for `None`. Raises DataError."""
        if rows is None:
            return self
        first, last = rows
        if last >= len(self.values):
            raise DataError(
                f"--rows {first},{last}: {self.name} has {len(self.values)} rows, 0 to "
                f"{len(self.values) - 1}; give rows among these."
            )
        return self._subset(slice(first, last + 1))

    def split(
        self, test_fraction: float | None, seed: int
    ) -> tuple["Dataset", "Dataset | None"]:
        """(training rows, test rows), both in their original order.

        Args:
            test_fraction: of the rows, drawn by the seed; 0 or `None` leaves all rows
                to training, and the test rows are `None`.
            seed: an integer.

        Raises:
            DataError: the data are on disk, or one of the two parts is empty.
        """
        if not test_fraction:
            return self, None
        n, option = len(self.values), f"--test-fraction {test_fraction}"
        if self.is_on_disk:
            raise DataError(
                f"{option}: {self.name} stays on disk, and random rows of it may not "
                "fit into memory; give models.evaluate a file of its own."
            )
        is_test = np.zeros(n, bool)
        rng = np.random.default_rng(seed)
        is_test[rng.choice(n, round(test_fraction * n), replace=False)] = True
        if is_test.all() or not is_test.any():
            raise DataError(
                f"{option}: {self.name} has {n} rows, expected at least one for "
                "training and one for testing; give another fraction."
            )
        return self._subset(~is_test), self._subset(is_test)

    def every(self, step: int) -> "Dataset":
        """Every `step`-th row, in memory."""
        return self._subset(slice(None, None, step))

    def binarized(self, seed: int) -> "Dataset":
        """Each entry replaced by a Bernoulli sample with that mean; on disk or not."""
        sample = Binarized(self.x, seed)
        values = sample if self.is_on_disk else ArrayRows(sample[:])
        return replace(self, values=values, preprocessing=Preprocessing("images"))

    def _subset(self, rows):
        labels = None if self.labels is None else self.labels[rows]
        if isinstance(rows, slice) and rows.step is None:
            values = View(self.values, rows.start, rows.stop)
        else:
            values = ArrayRows(self.values.raw(rows))
        return replace(self, values=values, labels=labels)


def check_unit_interval(dataset: Dataset, advice: str = USE_GAUSSIAN) -> None:
    """Raises DataError unless all values are in [0, 1], as some p(x|z) expect.

    advice: the end of the message, what to do.
    """
    low, high = dataset.extremes
    if not 0 <= low <= high <= 1:
        raise DataError(
            f"{dataset.name}: the values must lie in [0, 1] for this likelihood. "
            f"Received: {low:g} to {high:g}; {advice}."
        )


def check_counts(dataset: Dataset) -> None:
    """Raises DataError unless the values are integers >= 0; on disk, the first 1000."""
    x = dataset.x[:N_DIGESTED] if dataset.is_on_disk else dataset.x[:]
    wrong = x[(x < 0) | (x != np.round(x))]
    if len(wrong):
        raise DataError(
            f"{dataset.name}: the values must be counts, integers >= 0 that are not "
            f"standardised, for this likelihood. Received: {wrong[0]:g}; {USE_REAL}."
        )


def check_enough_rows(dataset: Dataset, batch_size: int, n_components: int) -> None:
    """Raises DataError for fewer rows than a batch or than mixture components."""
    n_rows = len(dataset.x)
    if n_rows < 2:
        raise DataError(f"{dataset.name} has {n_rows} row; give at least 2 rows.")
    needed = {"--batch-size": batch_size, "--n-components": n_components}
    for option, number in needed.items():
        if n_rows < number:
            raise DataError(
                f"{option} {number}: {dataset.name} has only {n_rows} rows; give "
                f"{option} {n_rows} or less, or more data."
            )

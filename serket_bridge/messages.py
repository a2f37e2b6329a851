"""What modules send each other: a message is a distribution, one for each datum.

"Nothing said yet" is a distribution too: N(0, I), or the uniform one. Messages about
data on disk hold `Rows` in place of arrays: see `serket_bridge.partwise`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from models.blocks.ondisk_array import Rows
from serket_bridge.partwise import kept, parts

INFINITY = np.array(np.inf)
INFINITY.setflags(write=False)


def _frozen(array):
    """The array, read-only: a message never changes after it was sent."""
    if isinstance(array, Rows):
        return array
    owner = array = np.asarray(array)
    while isinstance(owner.base, np.ndarray):  # a view is only as constant as its owner
        owner = owner.base
    if array.flags.writeable or owner.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(mean_n, diag 1 / precision_n) for each datum n.

    mean, precision: (n, ...), alike. A precision of infinity says that the mean is
    known: the message is a point, as data are.

    Raises ValueError: shapes that differ, a mean that is not finite, a precision that
    is not above 0.
    """

    mean: np.ndarray
    precision: np.ndarray

    def __post_init__(self):
        mean, precision = np.shape(self.mean), np.shape(self.precision)
        if mean != precision or len(mean) < 2:
            raise ValueError(
                "mean and precision must have one shape, (n, ...). "
                f"Received: mean {mean}, precision {precision}"
            )
        if not isinstance(self.mean, Rows) and not np.all(np.isfinite(self.mean)):
            bad = int(np.sum(~np.isfinite(self.mean)))
            raise ValueError(f"mean must be finite. Received: {bad} values are not")
        if not isinstance(self.precision, Rows) and not np.min(self.precision) > 0:
            raise ValueError(
                "precision must be > 0. "
                f"Received: a minimum of {np.min(self.precision)}"
            )
        object.__setattr__(self, "mean", _frozen(self.mean))
        object.__setattr__(self, "precision", _frozen(self.precision))

    @classmethod
    def standard(cls, n, dim):
        """N(0, I) for n data: nothing said yet."""
        return cls(np.zeros((n, dim)), np.ones((n, dim)))

    @classmethod
    def point(cls, value):
        """The value itself, (n, ...), without uncertainty."""
        return cls(value, np.broadcast_to(INFINITY, np.shape(value)))

    def __len__(self):
        return len(self.mean)

    @property
    def is_on_disk(self):
        return isinstance(self.mean, Rows)

    def parts(self):
        """The slices to work on one after another."""
        return parts(self.mean)

    def part(self, rows):
        """The message about a slice of the data, in memory; of all as it is."""
        if rows == slice(None):
            return self
        return Gaussian(self.mean[rows], self.precision[rows])

    @property
    def dim(self):
        return self.mean.shape[-1]

    def __mul__(self, other):
        """The product of two densities, normalised: precisions add."""
        share = 1 / (1 + self.precision / other.precision)  # 0 or 1 beside a point
        mean = (1 - share) * self.mean + share * other.mean
        return Gaussian(mean, self.precision + other.precision)

    def entropy(self):
        """Nats per datum, (n,); of a known value 0, by convention."""
        known = np.isinf(self.precision)
        precision = np.where(known, 2 * np.pi * np.e, self.precision)
        return 0.5 * np.log(2 * np.pi * np.e / precision).sum(axis=-1)

    def sample(self, rng):
        """One draw for each datum, (n, ...)."""

        def draw(q):
            noise = rng.standard_normal(q.mean.shape)
            return q.mean + noise / np.sqrt(q.precision)

        draws = ((draw(self.part(rows)),) for rows in self.parts())
        return kept(draws, self.is_on_disk)[0]


@dataclass(frozen=True, eq=False)
class Categorical:
    """p(c_n = k) for each datum n and class k.

    log_prob: (n, n_components), normalised here; -inf is allowed, not NaN.
    Raises ValueError: another shape, NaN, +inf, or a row that allows no class.
    """

    log_prob: np.ndarray

    def __post_init__(self):
        if np.ndim(self.log_prob) != 2:
            raise ValueError(
                "log_prob must have the shape (n, n_components). "
                f"Received: {np.shape(self.log_prob)}"
            )
        best = np.max(self.log_prob, axis=1)
        if not np.all(np.isfinite(best)):  # catches NaN too
            row = int(np.argmin(np.isfinite(best)))
            raise ValueError(
                "log_prob must be numbers or -inf, with one above -inf in every row. "
                f"Received in row {row}: {np.asarray(self.log_prob)[row]}"
            )
        object.__setattr__(
            self, "log_prob", _frozen(log_softmax(self.log_prob, axis=1))
        )

    @classmethod
    def uniform(cls, n, n_components):
        """The uniform distribution for n data: nothing said yet."""
        return cls(np.zeros((n, n_components)))

    @classmethod
    def nothing_said(cls, n, n_components):
        """As `uniform`, in no memory."""
        one = np.array(-np.log(n_components))
        one.setflags(write=False)
        return cls.normalised(np.broadcast_to(one, (n, n_components)))

    @classmethod
    def normalised(cls, log_prob):
        """Of what is normalised already, kept to the last bit."""
        message = object.__new__(cls)
        object.__setattr__(message, "log_prob", _frozen(log_prob))
        return message

    def __len__(self):
        return len(self.log_prob)

    def part(self, rows):
        """The message about a slice of the data, in memory; of all as it is."""
        return self if rows == slice(None) else self.normalised(self.log_prob[rows])

    @property
    def dim(self):
        return self.log_prob.shape[-1]

    @property
    def prob(self):
        return np.exp(self.log_prob)

    def __mul__(self, other):
        """The product of two distributions, normalised."""
        return Categorical(self.log_prob + other.log_prob)

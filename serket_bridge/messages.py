"""What modules send each other: a message is a distribution, one for each datum.

"Nothing said yet" is a distribution too: N(0, I), or the uniform one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

INFINITY = np.array(np.inf)
INFINITY.setflags(write=False)


def _frozen(array):
    """The array, read-only: a message never changes after it was sent."""
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
        if not np.all(np.isfinite(self.mean)):
            bad = int(np.sum(~np.isfinite(self.mean)))
            raise ValueError(f"mean must be finite. Received: {bad} values are not")
        if not np.all(self.precision > 0):
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
        noise = rng.standard_normal(self.mean.shape)
        return self.mean + noise / np.sqrt(self.precision)


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
    def normalised(cls, log_prob):
        """Of what is normalised already, kept to the last bit."""
        message = object.__new__(cls)
        object.__setattr__(message, "log_prob", _frozen(log_prob))
        return message

    def __len__(self):
        return len(self.log_prob)

    @property
    def dim(self):
        return self.log_prob.shape[-1]

    @property
    def prob(self):
        return np.exp(self.log_prob)

    def __mul__(self, other):
        """The product of two distributions, normalised."""
        return Categorical(self.log_prob + other.log_prob)

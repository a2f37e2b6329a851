"""Messages between modules: one distribution per example, in memory.

Only the mean of a point message, the data of an `Observation`, may stay on disk.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, logsumexp

from serket_bridge.checks import require


def is_on_disk(array) -> bool:
    """Whether an array is read part by part: a memory map, or `Rows` of `models`."""
    return isinstance(array, np.memmap) or hasattr(array, "read_raw")


def _read_only(array):
    """The array, or a copy of it if anyone could still write to it."""
    owner = array = np.asarray(array)
    while isinstance(owner.base, np.ndarray):  # a view is only as constant as its owner
        owner = owner.base
    if array.flags.writeable or owner.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


def constant(value: float, shape: tuple, dtype=np.float64) -> np.ndarray:
    """A read-only array of one value, which is in memory once."""
    value = np.array(value, dtype)
    value.setflags(write=False)
    return np.broadcast_to(value, shape)


def _distinct(array):
    """The array without the repetitions of `constant`."""
    array = np.asarray(array)
    return array[tuple(slice(None if step else 1) for step in array.strides)]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(mean_n, diag(1 / precision_n)) for each example n.

    Args:
        mean: (n, ...).
        precision: (n, ...); infinite where the value is known, a point, as data are.

    Raises:
        ValueError: the shapes differ, a mean is not finite, or a precision is not > 0.
    """

    mean: np.ndarray
    precision: np.ndarray

    def __post_init__(self):
        mean, precision = np.shape(self.mean), np.shape(self.precision)
        rule = "mean and precision must have one shape, (n, ...)"
        received = f"mean {mean}, precision {precision}"
        require(mean == precision and len(mean) > 1, rule, received)
        if not is_on_disk(self.mean):
            wrong = np.count_nonzero(~np.isfinite(_distinct(self.mean)))
            require(wrong == 0, "mean must be finite", f"{wrong} values are not")
            object.__setattr__(self, "mean", _read_only(self.mean))
        lowest = np.min(_distinct(self.precision))
        require(lowest > 0, "precision must be > 0", f"a minimum of {lowest}")
        object.__setattr__(self, "precision", _read_only(self.precision))

    @classmethod
    def standard(cls, n: int, dim: int) -> "Gaussian":
        """N(0, I) for n examples: the default message, (n, dim)."""
        return cls(*(constant(value, (n, dim), np.float32) for value in (0, 1)))

    @classmethod
    def point(cls, value) -> "Gaussian":
        """A known value, (n, ...)."""
        return cls(value, constant(np.inf, np.shape(value)))

    def __len__(self):
        return len(self.mean)

    @property
    def dim(self) -> int:
        """The size of the last axis."""
        return self.mean.shape[-1]

    @property
    def is_point(self) -> bool:
        """Whether all values are known."""
        return bool(np.isinf(_distinct(self.precision)).all())

    def in_memory(self) -> "Gaussian":
        """This message; data on disk are read, as float32."""
        if not is_on_disk(self.mean):
            return self
        return Gaussian.point(np.array(self.mean, np.float32))

    def __mul__(self, other):
        """The product of two densities, normalised: precisions add."""
        share = 1 / (1 + self.precision / other.precision)  # 0 or 1 beside a point
        mean = (1 - share) * self.mean + share * other.mean
        return Gaussian(mean, self.precision + other.precision)

    def __truediv__(self, other):
        """This density without its factor `other`, normalised: precisions subtract.

        Raises:
            ValueError: a precision of `other` is not lower, so that it is no factor.
        """
        with np.errstate(invalid="ignore"):  # a point by a point
            precision = self.precision - other.precision
        rule = "a Gaussian can only be divided by one of lower precision"
        require(np.min(precision) > 0, rule, f"a difference of {np.min(precision)}")
        share = other.precision / precision  # 0 in a point
        return Gaussian(self.mean + share * (self.mean - other.mean), precision)

    def entropy(self) -> np.ndarray:
        """The entropy of each example, (n,), in nats; 0 for known values."""
        if self.is_point:
            return np.zeros(len(self))
        known = np.isinf(self.precision)
        precision = np.where(known, 2 * np.pi * np.e, self.precision)
        return 0.5 * np.log(2 * np.pi * np.e / precision).sum(axis=-1)

    def expected_log_prob(self, density: "Gaussian") -> np.ndarray:
        """The mean of log density(z) over z from this Gaussian, (n,), nats."""
        square = np.square(self.mean - density.mean) + 1 / self.precision
        log_precision = np.log(density.precision / (2 * np.pi))
        return 0.5 * (log_precision - density.precision * square).sum(axis=-1)

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """One draw for each example, (n, ...)."""
        noise = rng.standard_normal(self.mean.shape)
        return self.mean + noise / np.sqrt(self.precision)


class Counts(Gaussian):
    """Known numbers >= 0, (n, n_words), such as how often each word occurs.

    `Counts.point(values)` is such a message. An input that takes `Counts` takes every
    point message of such numbers, as the data of an `Observation` are.
    """

    def __post_init__(self):
        super().__post_init__()
        rule = "counts must be known numbers >= 0 of the shape (n, n_words)"
        received = f"{describe(self)}, with a minimum of {np.min(self.mean)}"
        require(Counts.fits(self), rule, received)

    @staticmethod
    def fits(message) -> bool:
        """Whether a message is a point of numbers >= 0, (n, n_words)."""
        is_point = isinstance(message, Gaussian) and message.is_point
        return is_point and message.mean.ndim == 2 and np.min(message.mean) >= 0


@dataclass(frozen=True, eq=False)
class Categorical:
    """p(c_n = k) for each example n and class k.

    Args:
        log_prob: (n, n_components), nats; normalised here. -inf is allowed.

    Raises:
        ValueError: another shape, NaN, +inf, or a row of nothing but -inf.
    """

    log_prob: np.ndarray

    def __post_init__(self):
        shape = np.shape(self.log_prob)
        rule = "log_prob must have the shape (n, n_components)"
        require(len(shape) == 2, rule, shape)
        is_valid = np.isfinite(np.max(self.log_prob, axis=1))  # NaN is found too
        if not is_valid.all():
            row = int(np.argmin(is_valid))
            raise ValueError(
                "log_prob must be numbers or -inf, with one above -inf in every row. "
                f"Received in row {row}: {np.asarray(self.log_prob)[row]}"
            )
        normalised = log_softmax(self.log_prob, axis=1)
        object.__setattr__(self, "log_prob", _read_only(normalised))

    @classmethod
    def uniform(cls, n: int, n_components: int) -> "Categorical":
        """The uniform distribution for n examples: the default message."""
        return cls.from_normalized(constant(-np.log(n_components), (n, n_components)))

    @classmethod
    def from_normalized(cls, log_prob: np.ndarray) -> "Categorical":
        """A message of log probabilities, (n, n_components), used bit for bit."""
        message = object.__new__(cls)
        object.__setattr__(message, "log_prob", _read_only(log_prob))
        return message

    def __len__(self):
        return len(self.log_prob)

    @property
    def dim(self) -> int:
        """The number of classes."""
        return self.log_prob.shape[-1]

    @property
    def prob(self) -> np.ndarray:
        """The probabilities, (n, n_components)."""
        return np.exp(self.log_prob)

    @property
    def mean(self) -> np.ndarray:
        """The probabilities: the mean of c_n as a row of the identity matrix."""
        return self.prob

    def __mul__(self, other):
        """The product of two distributions, normalised."""
        return Categorical(self.log_prob + other.log_prob)

    def __truediv__(self, other):
        """This distribution without its factor `other`; what is impossible stays so."""
        is_possible = np.isfinite(self.log_prob)
        log_prob = np.full(self.log_prob.shape, -np.inf)
        np.subtract(self.log_prob, other.log_prob, out=log_prob, where=is_possible)
        return Categorical(log_prob)

    def log_overlap(self, other) -> np.ndarray:
        """log K sum_k p_k q_k, (n,) nats: 0 where one of them is uniform."""
        total = logsumexp(self.log_prob + other.log_prob, axis=1)
        return total + np.log(self.dim)


def as_kind(message, kinds: tuple[type, ...]):
    """A message of one of these classes, as `Counts` if it fits; else `None`."""
    if isinstance(message, kinds):
        return message
    if Counts in kinds and isinstance(message, Gaussian):
        message = message.in_memory()
        return Counts.point(message.mean) if Counts.fits(message) else None
    return None


def shape_of(message: Gaussian | Categorical) -> tuple:
    """(n, ...) of a message."""
    array = message.log_prob if isinstance(message, Categorical) else message.mean
    return array.shape


def describe(message: Gaussian | Categorical) -> str:
    """Kind and shape of a message, for error messages."""
    return f"a {type(message).__name__} of the shape {shape_of(message)}"

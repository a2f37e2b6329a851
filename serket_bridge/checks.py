"""Errors of one form: what must be true, and what was received."""

import numpy as np


def require(condition, rule: str, received, error: type = ValueError) -> None:
    """Raises the error with its rule and what was received, unless it is true."""
    if not condition:
        raise error(f"{rule}. Received: {received}")


def positive_integer(name: str, value) -> int:
    """The value; ValueError if it is not an integer >= 1."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    rule = f"{name} must be an integer >= 1"
    require(is_integer and value >= 1, rule, f"{name}={value!r}")
    return int(value)

"""Errors of one form: what must be true, and what was received."""


def require(condition, rule: str, received=None, error: type = ValueError) -> None:
    """Raises the error with its rule and what was received, unless it is true."""
    if not condition:
        raise error(rule if received is None else f"{rule}. Received: {received}")

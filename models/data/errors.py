"""`DataError`, and damaged files that become one."""

from contextlib import contextmanager
from pathlib import Path

MAX_NAMES = 20  # in a message


class DataError(ValueError):
    """Data that cannot be used; the message says why and what to do."""


def join_names(names, most: int = MAX_NAMES) -> str:
    """The first names, with commas, and how many there are if more."""
    names = [*map(str, names)]
    return ", ".join(names[:most]) + f", ... ({len(names)})" * (len(names) > most)


@contextmanager
def reading(path: Path, expected: str):
    """Turns the errors of a library on a damaged file into `DataError`.

    expected: the kind of the file `path`, which is read within the block.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # numpy, zipfile, pandas and Pillow have no common one
        reason = "is empty, damaged, cut short or of another kind"
        if "Object arrays" in str(error):
            reason = "holds Python objects"
        elif isinstance(error, OSError) and error.strerror:
            reason = f"cannot be opened ({error.strerror})"
        raise DataError(
            f"{path}: {reason}; expected {expected}, so save it again."
        ) from error

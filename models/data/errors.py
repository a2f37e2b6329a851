"""What cannot be read is refused, with a message that says why and what to do."""

import csv
import tokenize
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

# What numpy, zipfile, csv and Pillow raise on bytes that make no sense.
_DAMAGE = (OSError, ValueError, TypeError, EOFError, SyntaxError, RuntimeError)
_DAMAGE += (MemoryError, zipfile.BadZipFile, zlib.error, tokenize.TokenError, csv.Error)
_DAMAGE += (Image.DecompressionBombError,)


class DataError(ValueError):
    """Data that cannot be used; the message says why and what to do."""


@contextmanager
def reading(path: Path, expected: str):
    """Turns what a library raises on a damaged file into a `DataError`."""
    try:
        yield
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(
            f"{path}: {_reason(error)}; expected {expected}, so save it again."
        ) from error


def _reason(error: Exception) -> str:
    if "Object arrays" in str(error):
        return "holds Python objects"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened ({error.strerror})"
    return "is empty, damaged, cut short or of another kind"

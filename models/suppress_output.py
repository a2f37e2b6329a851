"""Hides what backends write to the screen when they start, and keeps what is wrong.

TensorFlow and JAX write from C++, below Python's `sys.stderr` and its loggers, and
TensorFlow 2.21 some of it before it reads TF_CPP_MIN_LOG_LEVEL. So the file descriptors
themselves are redirected.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO

# The notes of TensorFlow's start; a note may have a second line.
_NOTES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called.*\n"
    rb"|I\d{4} .*\n(To enable the following instructions:.*\n)?"
    rb"|\d{4}-\d\d-\d\d \S+ I .*\n(To enable the following instructions:.*\n)?"
)


def import_keras() -> None:
    """Imports Keras without the notes of TensorFlow's start; with its warnings.

    Everything is shown if the environment has TF_CPP_MIN_LOG_LEVEL=0.
    """
    if "keras" in sys.modules:
        return
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with redirect_output(2) as (hidden, screens):
        try:
            import keras  # noqa: F401
        finally:
            output = _content(hidden)
            os.write(screens[2], output if level == "0" else _NOTES.sub(b"", output))


@contextmanager
def suppress_backend_output() -> Iterator[None]:
    """Hides stdout and stderr within the block; shows them if it ends in an error.

    ValueError and OSError are messages for the user, and are shown alone.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with redirect_output(1, 2) as (hidden, screens):
        try:
            yield
            # Keras's hints about retracing: the loop traces again on purpose
            if tensorflow := sys.modules.get("tensorflow"):
                tensorflow.get_logger().setLevel("ERROR")
        except (ValueError, OSError):
            raise
        except BaseException:
            os.write(screens[2], _content(hidden))
            raise


@contextmanager
def redirect_output(*numbers: int) -> Iterator[tuple[BinaryIO, dict[int, int]]]:
    """Redirects what is written to these file descriptors to a temporary file.

    Yields (the file, number -> a copy of the original descriptor).
    """
    flush()
    screens = {number: os.dup(number) for number in numbers}
    with TemporaryFile() as hidden:
        for number in numbers:
            os.dup2(hidden.fileno(), number)
        try:
            yield hidden, screens
        finally:
            flush()
            for number, screen in screens.items():
                os.dup2(screen, number)
                os.close(screen)


def _content(file):
    flush()
    file.seek(0)
    return file.read()


def flush() -> None:
    """Flushes stdout and stderr."""
    sys.stdout.flush()
    sys.stderr.flush()

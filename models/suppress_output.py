"""The backend without its noise."""

import os
import sys
from contextlib import contextmanager
from tempfile import TemporaryFile


@contextmanager
def suppress_backend_output():
    """Keeps what is written to the screen back; shows it only if the block breaks.

    (ValueError and OSError are sentences for the user: they need no noise beside them.)

    TensorFlow greets on stderr from C++, before any Python logger is asked, and JAX's
    processes one another on stdout, so the file descriptors themselves have to be
    turned aside.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    flush()
    screens = {number: os.dup(number) for number in (1, 2)}
    with TemporaryFile() as held_back:
        for number in screens:
            os.dup2(held_back.fileno(), number)
        try:
            yield
            silence_tensorflow()
        except (ValueError, OSError):
            raise
        except BaseException:
            flush()
            held_back.seek(0)
            os.write(screens[2], held_back.read())
            raise
        finally:
            flush()
            for number, screen in screens.items():
                os.dup2(screen, number)
                os.close(screen)


@contextmanager
def discard_output(number):
    """What is written to this file descriptor goes nowhere."""
    flush()
    screen, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    try:
        yield
    finally:
        flush()
        os.dup2(screen, number)
        os.close(screen)
        os.close(nowhere)


def flush():
    sys.stdout.flush()
    sys.stderr.flush()


def silence_tensorflow():
    """Retracing hints are about speed, and the loop retraces on purpose."""
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.get_logger().setLevel("ERROR")

"""The backend without its noise."""

import os
import sys
from contextlib import contextmanager
from tempfile import TemporaryFile


@contextmanager
def quiet_backend():
    """Keeps what is written to stderr back; shows it only if the block breaks.

    (ValueError and OSError are sentences for the user: they need no noise beside them.)

    TensorFlow greets from C++, before any Python logger is asked, so the file
    descriptor itself has to be turned aside.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
            silence_tensorflow()
        except (ValueError, OSError):
            raise
        except BaseException:
            sys.stderr.flush()
            held_back.seek(0)
            os.write(stderr, held_back.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)


def silence_tensorflow():
    """Retracing hints are about speed, and the loop retraces on purpose."""
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].get_logger().setLevel("ERROR")

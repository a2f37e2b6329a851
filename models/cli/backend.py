"""The backend of a command: checked before it is imported, and no other beside it."""

import json
import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")


@contextmanager
def only_backend():
    """The backend is installed, and TensorFlow is not imported beside another one.

    (On JAX and torch `model.save` would import TensorFlow to compare types, which takes
    seconds and writes its notes on the screen.)

    Raises:
        ValueError: the backend is unknown or not installed.
    """
    name = chosen_backend()
    if name not in BACKENDS:
        raise ValueError(
            f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: {name}"
        )
    if find_spec(name) is None:
        raise ValueError(
            f"KERAS_BACKEND={name}: {name} is not installed. Run pip install {name}, "
            "or set KERAS_BACKEND to a backend that is installed: "
            + (", ".join(filter(find_spec, BACKENDS)) or "there is none")
        )
    if name == "tensorflow" or "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # makes its import fail
    try:
        yield
    finally:
        sys.modules.pop("tensorflow", None)


def chosen_backend():
    """The name of the backend, where Keras finds it, without an import of Keras."""
    if keras := sys.modules.get("keras"):
        return keras.config.backend()
    if name := os.environ.get("KERAS_BACKEND"):
        return name
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((folder / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError):
        return "tensorflow"

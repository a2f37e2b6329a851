"""Data as a module: it sends the same message for ever."""

import hashlib

import numpy as np

from models.blocks.ondisk_array import Rows, chunks, wrap_memmap
from serket_bridge.messages import Gaussian
from serket_bridge.module import Module


class Observation(Module):
    """Observed data, (n, ...), sent up as points.

    Memory maps, and `models.blocks.ondisk_array.Rows`, stay on disk: modules read
    them part by part, and so they do with all messages about them.

    Raises ValueError: fewer than two axes, no rows, values that are not finite numbers.
    """

    most_lowers = 0
    steps = 0

    def __init__(self, data, name="obs"):
        super().__init__(name)
        self.data, self.learned = None, True
        if data is not None:
            self.observe(data)

    def observe(self, data):
        """Takes other data."""
        self.data = self.forward = checked(data)
        digest = hashlib.sha256()
        for part in chunks(self.data.mean):
            digest.update(np.ascontiguousarray(part))
        shape = list(self.data.mean.shape)
        self.identity = {"shape": shape, "sha256": digest.hexdigest()}

    def send(self):
        """Data do not learn, and what comes down to them changes nothing."""
        if self.data is None:
            raise RuntimeError(
                f"{self.name} has no data: serket_bridge.load(folder, data) takes them"
            )
        self.forward = self.data

    def evidence(self):
        return 0.0

    def predict(self, value):
        return value


def checked(data):
    """The data as points, or a ValueError."""
    data = wrap_memmap(data)
    data = data if isinstance(data, Rows) else np.asarray(data)
    if data.dtype.kind not in "fiub" or data.ndim < 2 or len(data) == 0:
        raise ValueError(
            "data must be numbers of the shape (n, ...), with n >= 1. "
            f"Received: {data.dtype} of the shape {data.shape}"
        )
    if not isinstance(data, Rows):
        return Gaussian.point(data.astype(np.float32))
    if not np.all(np.isfinite(data.extremes)):
        raise ValueError(
            "data must be finite numbers. Received: values from "
            f"{data.min()} to {data.max()}"
        )
    return Gaussian.point(data)

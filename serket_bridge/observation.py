"""Data as a module."""

import hashlib
import math
from functools import cached_property

import numpy as np

from serket_bridge.checks import require
from serket_bridge.messages import Gaussian, is_on_disk
from serket_bridge.module import Module
from serket_bridge.serialization import register

CHUNK = 2**23  # numbers read at once


@register
class Observation(Module):
    """Observed data, whose forward message is always the same point message.

    Args:
        data: (n, ...), numbers. Memory maps, and `models.blocks.ondisk_array.Rows`,
            stay on disk and are read part by part. `None`: `observe` gives them later.
        name: as for every module.

    Raises:
        ValueError: fewer than two axes, an empty one, or values that are not finite.
    """

    max_parents = n_steps = 0
    uses_backward_message, predicts_mean = False, True

    def __init__(self, data, name: str = "obs"):
        super().__init__(name)
        self.learned = True
        if data is not None:
            self.observe(data)

    def observe(self, data) -> None:
        """Replaces the data; arguments and errors as of the constructor."""
        stays = is_on_disk(data)
        data = data if stays else np.asarray(data)
        is_table = data.dtype.kind in "fiub" and data.ndim > 1 and 0 not in data.shape
        rule = "data must be numbers of the shape (n, ...), with n >= 1"
        require(is_table, rule, f"{data.dtype} of the shape {data.shape}")
        is_finite = not stays or all(np.isfinite(part).all() for part in chunks(data))
        require(is_finite, "data must be finite numbers", "NaN or infinity")
        self.forward = Gaussian.point(data if stays else data.astype(np.float32))
        vars(self).pop("fingerprint", None)

    @cached_property
    def fingerprint(self) -> dict:
        """Shape and SHA-256 of the data as float32, computed when they are saved."""
        data, digest = self.forward.mean, hashlib.sha256()
        for part in chunks(data):
            digest.update(np.ascontiguousarray(part))
        return {"shape": list(data.shape), "sha256": digest.hexdigest()}

    def send(self) -> None:
        """Checks that there are data: they are sent already."""
        rule = f"{self.name} has no data: call serket_bridge.load(folder, data)"
        require(self.forward is not None, rule, error=RuntimeError)

    def evidence(self) -> float:
        """0: p(x) belongs to the module above."""
        return 0.0

    def predict(self, value):
        """The value itself."""
        return value


def chunks(array):
    """Consecutive parts of an array, (n, ...), as float32 in memory."""
    rows = max(1, CHUNK // math.prod(array.shape[1:]))
    for first in range(0, len(array), rows):
        yield np.asarray(array[first : first + rows], np.float32)

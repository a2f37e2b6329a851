"""Data as a module: it sends the same message for ever."""

import numpy as np

from serket_bridge.messages import Gaussian
from serket_bridge.module import Module


class Observation(Module):
    """Observed data, (n, ...), sent up as points.

    Raises ValueError: fewer than two axes, no rows, values that are not finite numbers.
    """

    steps = 0

    def __init__(self, data, name="observation"):
        super().__init__(name)
        data = np.asarray(data)
        if data.dtype.kind not in "fiub" or data.ndim < 2 or len(data) == 0:
            raise ValueError(
                "data must be numbers of the shape (n, ...), with n >= 1. "
                f"Received: {data.dtype} of the shape {data.shape}"
            )
        self.forward = Gaussian.point(data.astype(np.float32))

    def update(self, tick=lambda: None):
        """Data do not learn."""

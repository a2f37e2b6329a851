"""What the tests of killed trainings share."""

import numpy as np

from models.runs.checkpoint import Checkpoint

# the methods that a test kills the command at
EPOCH, FILE = (Checkpoint, "on_epoch_end"), (Checkpoint, "save")


class Killed(BaseException):
    """Takes the place of kill -9: nothing catches it."""


def assert_same(one, other):
    """Two models have the same weights, bit for bit."""
    np.testing.assert_equal(one.get_weights(), other.get_weights())

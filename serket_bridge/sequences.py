"""The base class of modules whose rows are the steps of sequences."""

import numpy as np

from models.checks import check_integer
from serket_bridge.checks import require
from serket_bridge.module import Module


class SequenceModule(Module):
    """Its rows are the steps of one sequence or of several, one after the other.

    The lengths are part of the `fingerprint`: a saved state fits these lengths only.
    """

    @property
    def lengths(self) -> list[int] | None:
        """The number of rows of each sequence; `None` is one sequence."""
        return self.fingerprint["lengths"]

    @lengths.setter
    def lengths(self, lengths):
        if lengths is not None:
            lengths = [check_integer("lengths", length) for length in lengths]
        self.fingerprint = {"lengths": lengths}

    def lengths_of(self, n: int) -> np.ndarray:
        """The number of rows of each sequence, (S,) int; ValueError unless n in all."""
        lengths = np.array([n] if self.lengths is None else self.lengths)
        rule = f"{self.name}: lengths must add up to the {n} rows of "
        require(lengths.sum() == n, f"{rule}{self.parents[0].name}", lengths.sum())
        return lengths

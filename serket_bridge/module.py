"""What every module of a Serket model shares: connections, messages, `update`."""

from abc import ABC, abstractmethod
from functools import reduce
from operator import mul


class Module(ABC):
    """A probabilistic model that learns from messages and sends messages.

    One `update` reads the forward messages of the modules below and the backward
    messages from above, refits the module's own parameters, then sets its own forward
    message and sends backward messages down (Nakamura et al., 2018).

    Attributes:
        lowers: the modules it is connected to.
        forward: the message it sends up; `None` until it has one.
        steps: how many times one `update` calls its `tick`, for a progress bar.
        report: what the last `update` says of itself, name -> number.
    """

    forward = None
    steps = 1

    def __init__(self, name):
        self.name = name
        self.lowers = ()
        self.report = {}
        self._from_above = {}

    def connect(self, *lowers):
        """Takes its input from these modules. A second call replaces the first."""
        if not lowers:
            raise TypeError(f"{self.name}.connect needs a module below it")
        for lower in lowers:
            if not isinstance(lower, Module):
                raise TypeError(
                    f"{self.name}.connect takes modules (wrap data in Observation). "
                    f"Received: {type(lower).__name__}"
                )
        for lower in self.lowers:
            lower._from_above.pop(self, None)
        self.lowers = lowers

    def inputs(self):
        """The forward messages of the modules below, or an error that names them."""
        if not self.lowers:
            raise RuntimeError(
                f"{self.name} is not connected: call {self.name}.connect(...) first"
            )
        for lower in self.lowers:
            if lower.forward is None:
                raise RuntimeError(
                    f"{self.name} was updated before {lower.name}, which it is "
                    f"connected to: update {lower.name} first"
                )
        return [lower.forward for lower in self.lowers]

    def from_above(self, nothing_said):
        """The product of the messages from above, or `nothing_said`.

        Raises ValueError, naming both modules, where a message has not the shape of
        `nothing_said`.
        """
        expected = (len(nothing_said), nothing_said.dim)
        for upper, message in self._from_above.items():
            if (len(message), message.dim) != expected:
                raise ValueError(
                    f"{self.name} expects a message of the shape {expected} from "
                    f"{upper.name}. Received: {(len(message), message.dim)}"
                )
        return (
            reduce(mul, self._from_above.values()) if self._from_above else nothing_said
        )

    def send_down(self, lower, message):
        """Leaves a message at a lower module, in place of the last one sent there."""
        lower._from_above[self] = message

    @abstractmethod
    def update(self, tick=lambda: None):
        """Refits the module to its messages, and sends new ones."""

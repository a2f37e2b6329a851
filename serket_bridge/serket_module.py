"""Modules that were written for Serket's own interface."""

import numpy as np

from serket_bridge.messages import Categorical, Gaussian, constant
from serket_bridge.module import Module


class SerketModule(Module):
    """The base class of a module that was written for Serket, which stays as it is.

    Its `update` reads `get_observations()` and `get_backward_msg()`, and calls
    `set_forward_msg` and `send_backward_msgs`. Messages are arrays, (n, ...): of
    probabilities where `output_message` is `Categorical`, else of values, which are
    certain in the forward direction and N(value, I) in the backward direction. Where
    the forward message is multiplied by `get_backward_msg()`, as in Serket's MLDA, the
    class needs `forward_is_posterior = True`, so that nothing is counted twice.
    """

    input_message = object
    max_parents = 1000

    def __init__(self, name: str = "", learnable: bool = True):
        super().__init__(name or type(self).__name__)

    def get_name(self) -> str:
        """The name of the module's folder."""
        return self.folder

    def get_observations(self) -> list[np.ndarray]:
        """The parents' forward messages, one array per parent."""
        return [to_array(message) for message in self.inputs()]

    def get_forward_msg(self) -> np.ndarray | None:
        """The own forward message."""
        return None if self.forward is None else to_array(self.forward)

    def set_forward_msg(self, values) -> None:
        """Sets the own forward message, (n, ...)."""
        self.forward = to_message(values, self.output_message, np.inf)
        self._included = self._backward.copy()

    def get_backward_msg(self) -> np.ndarray | None:
        """The product of the children's messages; `None` before there is one."""
        messages = list(self._backward.values())
        return to_array(self.backward_message(messages[0])) if messages else None

    def send_backward_msgs(self, values) -> None:
        """Sends one array, (n, ...), or `None` to each parent."""
        for parent, value in zip(self.parents, values, strict=False):
            if value is not None:
                self.send_backward(parent, to_message(value, parent.output_message, 1))

    def step(self, progress=lambda: None) -> None:
        """Calls `update` of the subclass, or in the mode "recog" its `recog`."""
        if self.mode == "learn":
            self.update()
            progress()
        else:
            self.recog()

    def recog(self) -> None:
        """Does the same as `update` without learning; `recognize` calls it."""
        raise NotImplementedError(
            f"{type(self).__name__} must have a method recog to recognise new data"
        )

    def send(self) -> None:
        """Not used: `update` sends the messages."""


def to_array(message) -> np.ndarray:
    """Probabilities, or means, as a new array."""
    values = message.prob if isinstance(message, Categorical) else message.mean
    return np.array(values)


def to_message(values, kind, precision):
    """The message of Serket's array."""
    values = np.asarray(values)
    if issubclass(kind, Categorical):
        with np.errstate(divide="ignore"):  # a probability of 0
            return Categorical(np.log(values))
    return Gaussian(values, constant(precision, values.shape))

"""What every module of a Serket model shares: connections, messages, `update`."""

import copy
import random
from abc import ABC, abstractmethod
from functools import reduce
from operator import mul
from weakref import WeakKeyDictionary

import numpy as np

from models.networks.network_config import is_integer
from serket_bridge.graph import Node
from serket_bridge.messages import Gaussian
from serket_bridge.output import output_dir
from serket_bridge.progress import progress
from serket_bridge.saving import manifest

MODES = ("learn", "recog")


class Module(Node, ABC):
    """A probabilistic model that learns from messages and sends messages.

    One `update` reads the forward messages of the modules below and the backward
    messages from above, refits the module's own parameters, then sets its own forward
    message and sends backward messages down (Nakamura et al., 2018). With the mode
    "recog" the parameters stay as they are.

    A module of one's own has `send`, and `learn` if it has parameters.

    Args:
        name: a MessageLoop wants names that differ.
        mode: "learn", or "recog": recognise new data with what was learned, read from
            the module's folder in the first `update`.
        seed: an integer, or `None` for one from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        verbose: whether `update` shows a progress bar.

    Attributes:
        forward: the message it sends up; `None` until it has one.
        steps: how many times one `learn` calls its `tick`, for a progress bar.
        identity: what tells this module from others, beside `config()`, as JSON.
        report: what the last `update` says of itself, name -> number.
    """

    takes, sends = Gaussian, Gaussian  # the kinds of the forward messages
    steps = 1

    def __init__(self, name, mode="learn", seed=None, verbose=True):
        if mode not in MODES:
            raise ValueError(f'mode must be "learn" or "recog". Received: {mode!r}')
        super().__init__(name)
        self.mode, self.verbose = mode, verbose
        self.seed = random.getrandbits(32) if seed is None else seed
        self.rng = np.random.default_rng(self.seed)
        self.learned, self.identity = False, {}
        self._forget_messages()

    def _forget_messages(self):
        """As if nothing was said yet, and nobody above."""
        self.forward, self.report = None, {}
        # weak: a module that the user has dropped says nothing any more
        self._from_above = WeakKeyDictionary()

    # --- Messages ---------------------------------------------------------------------

    @property
    def belief(self):
        """q of what this module sends up."""
        return self.forward

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

        Raises ValueError, naming both modules, where a message is not of the kind and
        shape of `nothing_said`.
        """
        expected = describe(nothing_said)
        for upper, message in self._from_above.items():
            if describe(message) != expected:
                raise ValueError(
                    f"{self.name} expects {expected} from {upper.name}. "
                    f"Received: {describe(message)}"
                )
        # a product in the order of making, so that it is the same to the last bit
        said = sorted(self._from_above.items(), key=lambda item: item[0]._made)
        return reduce(mul, (message for _, message in said)) if said else nothing_said

    def forget(self, upper):
        self._from_above.pop(upper, None)

    def send_down(self, lower, message):
        """Leaves a message at a lower module, in place of the last one sent there."""
        lower._from_above[self] = message

    # --- Work -------------------------------------------------------------------------

    def update(self):
        """One round of this module: it learns, sends, and writes its files.

        The files go to the folder `self.folder` under `serket_bridge.output_dir`.
        """
        home = output_dir.current
        if home is not None:
            home.mkdir(parents=True, exist_ok=True)  # fails now, not after the training
        if self.mode == "recog" and not self.learned:
            self.read(manifest(home or ".")[1] / self.folder)
        shown = self.verbose and self.mode == "learn" and self.steps > 1
        with progress(self.steps, shown, self.name) as (_, tick):
            self.advance(tick)
        if home is not None:
            self.write(home / self.folder)

    def advance(self, tick=lambda: None):
        """Learns, unless the mode is "recog", and sends. Writes nothing."""
        if self.mode == "learn":
            self.learn(tick)
            self.learned = True
        elif not self.learned:
            raise RuntimeError(f"{self.name} has learned nothing that it could go by")
        self.send()

    def learn(self, tick):
        """Refits the parameters to the messages; calls `tick` `steps` times."""

    @abstractmethod
    def send(self):
        """Sets `forward`, and sends messages down; the parameters stay as they are."""

    def evidence(self):
        """The module's part of the model's evidence lower bound, nats per datum."""
        return None  # not known: then nor is the whole model's

    def predict(self, value):
        """From a value of what this module sends up, down to the data."""
        (lower,) = self.lowers
        return lower.predict(value)

    def twin(self):
        """This module with its parameters, to recognise; no messages or connections."""
        twin = copy.copy(self)
        twin.mode = "recog"
        twin._forget_messages()
        twin.forget_connections()
        return twin

    # --- Files: `serket_bridge.saving` says what is where -----------------------------

    def write(self, folder):
        """Writes what `update` leaves behind."""

    def save(self, folder):
        """Writes the parameters."""

    def read(self, folder):
        """Takes the parameters that `save` wrote."""
        self.learned = True

    @classmethod
    def from_folder(cls, folder, settings):
        """The module whose parameters `save` wrote, with the settings of `config`."""
        module = cls(**settings)
        module.read(folder)
        return module

    def config(self):
        """The arguments that it can be made again from, name -> value."""
        return {}

    def state(self):
        """What the next round starts from: nested dicts of arrays and messages."""
        return {}

    def set_state(self, state):
        """Takes what `state` gave."""


def describe(message):
    """Kind and shape of a message, in words."""
    shape = (len(message), message.dim)
    return f"a {type(message).__name__} of the shape {shape}"


def positive(name, value):
    """The value, if it is an integer >= 1."""
    if not is_integer(value) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1. Received: {name}={value!r}")
    return int(value)

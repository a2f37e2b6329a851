"""The base class of modules: messages, `update`, and what is saved."""

import copy
import random
from functools import reduce
from operator import mul
from pathlib import Path

import numpy as np

from serket_bridge.checks import require
from serket_bridge.files import output_dir
from serket_bridge.graph import Node
from serket_bridge.messages import Categorical, Gaussian, describe
from serket_bridge.progress import progress_bar
from serket_bridge.saving import read_manifest


class Module(Node):
    """A probabilistic model that learns from messages and sends messages.

    One `update` reads the forward messages of the parents and the backward messages of
    the children, refits the module's own parameters, then sets its own forward message
    and sends backward messages to its parents (Nakamura et al., 2018).

    A subclass has `send`, and `learn` if it has parameters. To be saved it needs the
    decorator `serket_bridge.register`, and `saved_arguments`, `state`, `set_state`,
    `save_parameters` and `load_parameters` as far as it has any.

    Args:
        name: names must differ within a MessageLoop.
        mode: "learn", or "recog" to recognise new data with fixed parameters, which
            the first `update` reads from the module's folder.
        seed: an integer; `None` takes one from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        verbose: whether `update` shows a progress bar.

    Attributes:
        forward: the forward message; `None` before the first update.
        n_steps: how many times one `learn` calls `progress`.
        metrics: numbers that describe the last `learn`, name -> number.
        fingerprint: what else must be equal for a saved state to fit, as JSON.
        parameter_file: the name of the file that `save_parameters` writes.
        saved_arguments: the names of the constructor's arguments that are saved; each
            is an attribute too.
        uses_backward_message: whether `send` reads the messages from the children.
    """

    input_message = output_message = Gaussian
    n_steps, uses_backward_message = 1, True
    parameter_file, saved_arguments = None, ()

    def __init__(self, name: str, mode="learn", seed: int | None = None, verbose=True):
        rule = f"{type(self).__name__} must have a method send. A module that was "
        rule += "written for Serket can derive from serket_bridge.SerketModule instead"
        require(type(self).send is not Module.send, rule, error=TypeError)
        is_mode = mode in ("learn", "recog")
        require(is_mode, 'mode must be "learn" or "recog"', repr(mode))
        super().__init__(name)
        self.mode, self.verbose = mode, verbose
        self.seed = random.getrandbits(32) if seed is None else seed
        self.rng = np.random.default_rng(self.seed)
        self.learned, self.fingerprint = False, {}
        self.forward, self.metrics = None, {}

    @property
    def posterior(self) -> Gaussian | Categorical | None:
        """q of the variable that this module sends forward."""
        return self.forward

    def inputs(self) -> list:
        """The parents' forward messages; RuntimeError if there are not all of them."""
        rule = f"{self.name} is not connected: call {self.name}.connect(...) first"
        require(self.parents, rule, error=RuntimeError)
        for name, message in ((m.name, m.forward) for m in self.parents):
            rule = f"{self.name} was updated before {name}: update {name} first"
            require(message is not None, rule, error=RuntimeError)
        return [parent.forward for parent in self.parents]

    def backward_message(self, default):
        """The product of the messages from the children, or `default`.

        Raises:
            ValueError: a message has another kind or shape than `default`.
        """
        # in a fixed order, so that the product is the same to the last bit
        children = sorted(self._backward, key=lambda child: child._creation_index)
        for child in children:
            rule = f"{self.name} expects {describe(default)} from {child.name}"
            received = describe(self._backward[child])
            require(received == describe(default), rule, received)
        return reduce(mul, map(self._backward.get, children)) if children else default

    def send_backward(self, parent: Node, message: Gaussian | Categorical) -> None:
        """Sends a message to a parent; it replaces the last one."""
        parent._backward[self] = message

    def update(self) -> None:
        """Learns, sends messages and writes files to `self.folder` of `output_dir`.

        Raises:
            ValueError: in the mode "recog", if no parameters were saved there.
        """
        home = output_dir.current
        if home is not None:
            home.mkdir(parents=True, exist_ok=True)  # fails before the training
        if self.mode == "recog" and not self.learned:
            self.load_learned(read_manifest(home or ".")[1] / self.folder)
        shown = self.verbose and self.mode == "learn" and self.n_steps > 1
        with progress_bar(self.n_steps, shown, self.name) as (_, progress):
            self.step(progress)
        if home is not None:
            self.write_results(home / self.folder)

    def step(self, progress=lambda: None) -> None:
        """Learns, unless the mode is "recog", and sends messages; writes nothing."""
        if self.mode == "learn":
            self.learn(progress)
            self.learned = True
        rule = f"{self.name} has learned nothing yet: call {self.name}.update() or "
        require(self.learned, f"{rule}MessageLoop.run first", error=RuntimeError)
        self.send()

    def learn(self, progress) -> None:
        """Refits the parameters to the messages; calls `progress` `n_steps` times."""

    def send(self) -> None:
        """Sets `forward` and sends backward messages; parameters do not change."""
        raise NotImplementedError

    def evidence(self) -> float | None:
        """The term of the whole model's ELBO, nats per example; `None` if unknown."""
        return None

    def predict(self, value):
        """The data that a value of this module's variable is expected to produce."""
        (parent,) = self.parents
        return parent.predict(value)

    def inference_copy(self) -> "Module":
        """A copy for recognition: it shares the parameters, and has no connections."""
        copied = copy.copy(self)
        copied.mode, copied.rng = "recog", copy.deepcopy(self.rng)
        copied.forward, copied.metrics = None, {}
        copied.disconnect()
        return copied

    def write_results(self, folder: Path) -> None:
        """Writes the result files of `update`."""

    def config(self) -> dict:
        """The constructor's arguments that are saved, name -> value."""
        return {name: getattr(self, name) for name in self.saved_arguments}

    def state(self) -> dict:
        """Nested dicts of arrays and messages that the next round needs."""
        return {}

    def set_state(self, state: dict) -> None:
        """Restores what `state` returned."""

    def save_parameters(self, folder: Path) -> None:
        """Writes the parameters."""

    def load_parameters(self, folder: Path) -> None:
        """Reads the parameters that `save_parameters` wrote."""
        self.learned = True

    def load_learned(self, folder: str | Path) -> None:
        """`load_parameters`; ValueError if nothing was saved in the folder."""
        expected = Path(folder) / (self.parameter_file or "")
        rule = f"{self.name} has learned nothing yet: {expected} does not exist. Learn "
        rule += "first, or give the folder of what was learned (output_dir, load_dir)"
        require(expected.exists(), rule)
        self.load_parameters(Path(folder))

    @classmethod
    def from_folder(cls, folder: Path, settings: dict) -> "Module":
        """The module saved in a folder; settings: its `config`, and its name."""
        module = cls(**settings)
        module.load_parameters(folder)
        return module

"""The base class of modules: messages, `update`, and what is saved."""

import copy
import random
from functools import reduce
from operator import mul
from pathlib import Path

import numpy as np

from serket_bridge.checks import require
from serket_bridge.files import output_dir, read_arrays, write_arrays
from serket_bridge.graph import Node, join
from serket_bridge.messages import Categorical, Counts, Gaussian, as_kind, describe
from serket_bridge.progress import progress_bar
from serket_bridge.saving import read_manifest


class Module(Node):
    """A probabilistic model that learns from messages and sends messages.

    One `update` reads the forward messages of the parents and the backward messages of
    the children, refits the module's own parameters, then sets its own forward message
    and sends backward messages to its parents (Nakamura et al., 2018).

    A subclass has `send`, and `learn` if it has parameters. To be saved it needs the
    decorator `serket_bridge.register`, and `saved_arguments`, `saved_parameters` and
    `saved_state` as far as it has any.

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
        saved_arguments, saved_parameters, saved_state: the names of the attributes that
            are saved: arguments of the constructor; arrays that were learned; arrays
            and messages that the next round needs.
        given_inputs: the names of the inputs that this module has no density of: it
            models the others, given these.
        optional_inputs: the names of the inputs that recognition can do without.
        uses_backward_message: whether `send` reads the messages from the children.
        forward_is_posterior: whether `forward` contains the messages from the children.
        predicts_mean: whether `predict` takes probabilities, and not a class.
    """

    input_message = output_message = Gaussian
    n_steps, uses_backward_message, forward_is_posterior = 1, True, False
    saved_arguments = saved_parameters = saved_state = ()
    given_inputs = optional_inputs = ()
    predicts_mean = False
    parameter_file = None

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
        self.forward, self.metrics, self._included = None, {}, {}

    @property
    def posterior(self) -> Gaussian | Categorical | None:
        """q of the variable that this module sends forward."""
        return self.forward

    @property
    def modelled_by(self) -> list["Module"]:
        """The children whose density of this module's variable is part of the model."""
        children = sorted(self.children, key=lambda child: child._creation_index)
        return [
            m for m in children if self not in map(m.connections.get, m.given_inputs)
        ]

    def inputs(self) -> list:
        """The messages from the parents, in order, each as `message_to` this module.

        Raises:
            RuntimeError: there are not all of them.
            ValueError: one is of another kind than its input, or of other examples.
        """
        rule = f"{self.name} is not connected: call {self.name}.connect(...) first"
        require(self.parents, rule, error=RuntimeError)
        found = [self._read(*each) for each in self.connections.items()]
        rule = f"{self.name} needs a message for the same examples from each parent"
        pairs = zip(found, self.parents, strict=True)
        received = ", ".join(f"{len(m)} from {parent.name}" for m, parent in pairs)
        require(len(set(map(len, found))) == 1, rule, received)
        return found

    def _read(self, name, parent):
        rule = f"{self.name} was updated before {parent.name}: update {parent.name} "
        require(parent.forward is not None, f"{rule}first", error=RuntimeError)
        message, kinds = parent.message_to(self), self.kinds(name)
        found = as_kind(message, kinds)
        rule = f"{self.name} takes {join(kinds)} as its input {name} from {parent.name}"
        if Counts in kinds:
            rule += " (counts are known numbers >= 0, (n, n_words))"
        require(found is not None, rule, describe(message))
        return found

    def message_to(self, child: Node) -> Gaussian | Categorical:
        """`forward` for a child, without what the child has sent itself.

        p(c_n | own input) is multiplied by the messages from the other children. A
        posterior contains the messages from all children; that from this one is divided
        out. A Gaussian q is read as it is: a child takes expectations over it.
        """
        if self.forward_is_posterior:
            own = self._included.get(child)
            return self.forward if own is None else self.forward / own
        if not isinstance(self.forward, Categorical):
            return self.forward
        return reduce(mul, self._from_children(self.forward, child), self.forward)

    def backward_message(self, default):
        """The product of the messages from the children, or `default`.

        Raises:
            ValueError: a message has another kind or shape than `default`.
        """
        messages = self._from_children(default)
        return reduce(mul, messages) if messages else default

    def _from_children(self, expected, without=None):
        # in a fixed order, so that the product is the same to the last bit
        children = sorted(self._backward, key=lambda child: child._creation_index)
        for child in children:
            rule = f"{self.name} expects {describe(expected)} from {child.name}"
            received = describe(self._backward[child])
            require(received == describe(expected), rule, received)
        return [self._backward[child] for child in children if child is not without]

    def send_backward(self, parent: Node, message: Gaussian | Categorical) -> None:
        """Sends a message to a parent; it replaces the last one."""
        parent._backward[self] = message

    def sent_to(self, parent: Node):
        """The last message that was sent to a parent, or `None`."""
        return parent._backward.get(self)

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
        self._included = self._backward.copy()

    def learn(self, progress) -> None:
        """Refits the parameters to the messages; calls `progress` `n_steps` times."""

    def send(self) -> None:
        """Sets `forward` and sends backward messages; parameters do not change."""
        raise NotImplementedError

    def class_prior(self, n_classes: int) -> np.ndarray:
        """p(c_n) in `forward`, (n_classes,): the weights of a mixture, or uniform."""
        mixture = getattr(self, "mixture", None)
        weights = np.full(n_classes, 1 / n_classes)
        weights = weights if mixture is None else mixture.weights
        return np.maximum(weights, np.finfo(float).tiny)

    def evidence(self) -> float | None:
        """The term of the whole model's ELBO, nats per example; `None` if unknown.

        It is the mean of the log of what the module's densities and its input add up
        to, with a factor K b for the backward message b. The term of a parent has such
        a factor too, for the message that this module sends; so a module above a
        `Categorical` subtracts the mean of `input.log_overlap(sent message)`.
        """
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
        return {name: getattr(self, name) for name in self.saved_state}

    def set_state(self, state: dict) -> None:
        """Restores what `state` returned."""
        vars(self).update({name: state[name] for name in self.saved_state})

    def save_parameters(self, folder: Path) -> None:
        """Writes the parameters."""
        if self.saved_parameters:
            arrays = {name: getattr(self, name) for name in self.saved_parameters}
            write_arrays(folder / self.parameter_file, arrays)

    def load_parameters(self, folder: Path) -> None:
        """Reads the parameters that `save_parameters` wrote."""
        if self.saved_parameters:
            arrays = read_arrays(folder / self.parameter_file)
            vars(self).update({name: arrays[name] for name in self.saved_parameters})
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

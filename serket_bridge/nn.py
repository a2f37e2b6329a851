"""A supervised network between two modules."""

from pathlib import Path

import numpy as np

from models.atomic_files import write_atomically
from models.checks import check_integer, check_integers
from serket_bridge import keras_network
from serket_bridge.checks import require
from serket_bridge.files import read_arrays, write_arrays, write_text
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.saving import save_module
from serket_bridge.serialization import register
from serket_bridge.supervised import Supervised

register(Categorical)  # as the argument output
register(Gaussian)


@register
class NN(Supervised):
    """A supervised network f: p(y|x) = Categorical(softmax f(x)) or N(f(x), s^2 I).

    It is trained on its input x and its target y: one step of EM in each `update`. For
    the messages see `serket_bridge.supervised.Supervised`.

    Args:
        itr1: epochs of one `update`; without `batch_size1`, steps on all data at once.
        itr2, batch_size2: as in Serket; not used, because the message is not trained.
        name, mode, seed, verbose: as for every module.
        batch_size1: of the training; `None` uses all data.
        output: the kind of y, `Gaussian` or `Categorical`. The target of the latter is
            a label for each example, (n, 1), -1 where it is unknown, or (n, n_outputs)
            numbers >= 0, which are normalised, all 0 where it is unknown.
        hidden_dims: the widths of the hidden layers.
        model: a `keras.Model` x -> logits or means, (n, n_outputs), instead of them.
        n_outputs: the size of y; only needed without a target and a model.
        learning_rate: of Adam, unless the model is compiled with another optimiser.
        load_dir: a folder that `update` wrote: recognises with its model.

    Attributes:
        history: the loss of every epoch so far: the mean of the squared errors, or the
            cross-entropy in nats.

    A subclass can have `build_model(self, input_shape, n_outputs)`, as in Serket.
    """

    parameter_file = "model.keras"
    saved_arguments = ("itr1", "batch_size1", "output", "hidden_dims", "n_outputs")
    saved_arguments += ("learning_rate",)

    def __init__(
        self,
        itr1: int = 5000,
        itr2: int | None = None,
        name: str = "nn",
        batch_size1: int | None = None,
        batch_size2: int | None = None,
        mode: str = "learn",
        *,
        output: type = Gaussian,
        hidden_dims=(100,),
        model=None,
        n_outputs: int | None = None,
        learning_rate: float = 1e-3,
        load_dir: str | Path | None = None,
        seed: int | None = None,
        verbose: bool = True,
    ):
        super().__init__(name, mode if load_dir is None else "recog", seed, verbose)
        is_kind = output in (Gaussian, Categorical)
        require(is_kind, "output must be Gaussian or Categorical", repr(output))
        self.itr1, self.output = check_integer("itr1", itr1), output
        optional = {"batch_size1": batch_size1, "n_outputs": n_outputs}
        for key, value in optional.items():
            setattr(self, key, None if value is None else check_integer(key, value))
        self.hidden_dims = list(check_integers("hidden_dims", hidden_dims, at_least=0))
        self.learning_rate, self.model = learning_rate, model
        self.history, self._is_compiled = [], False
        if model is not None:
            self.fingerprint = {w.path: list(w.shape) for w in model.weights}
        if load_dir is not None:
            self.load_learned(load_dir)

    @property
    def n_steps(self) -> int:
        """The number of epochs of a round."""
        return self.itr1

    @property
    def output_size(self) -> int | None:
        """The size of y."""
        return self.model.output_shape[-1] if self.model else self.n_outputs

    def build_model(self, input_shape: tuple, n_outputs: int):
        """The network, a `keras.Model` x -> logits or means."""
        widths = *self.hidden_dims, n_outputs
        return keras_network.dense(input_shape, widths, self.seed)

    def prepare(self, input_shape, output_size) -> None:
        size = output_size or self.n_outputs
        if self.model is None:
            rule = f"{self.name} has no target yet, and needs n_outputs"
            require(size, rule, error=TypeError)
            self.model = self.build_model(input_shape, size)
        if not self._is_compiled:
            loss = "cross_entropy" if self.output is Categorical else "squared_error"
            keras_network.compile_with(self.model, loss, self.learning_rate)
            self._is_compiled = True

    def fit(self, x, y, weights, progress) -> None:
        settings = self.itr1, self.batch_size1, self.rng, progress
        self.history += keras_network.train(self.model, (x, y, weights), *settings)

    def outputs(self, points) -> np.ndarray:
        shape, expected = points.shape[2:], self.model.input_shape[1:]
        rule = f"{self.name} has a network of the input shape {expected}, and needs "
        rule += f"messages of this shape from {self.connections['x'].name}"
        require(shape == expected, rule, shape)
        flat = keras_network.outputs(self.model, points.reshape(-1, *shape))
        return flat.reshape(*points.shape[:2], -1)

    def learn(self, progress) -> None:
        super().learn(progress)
        if self.metrics:
            self.metrics["loss"] = self.history[-1]

    def write_results(self, folder: Path) -> None:
        """Writes Serket's files, and the predictions."""
        for name, message in (("message", self.prior), ("prediction", self.forward)):
            if message is not None:
                write_text(folder / f"{name}_{self.mode}.txt", message.mean)
        if self.mode == "learn":
            loss = np.stack([np.arange(len(self.history)) + 1, self.history], axis=1)
            write_text(folder / "loss.txt", loss)
            save_module(self, folder)

    def save_parameters(self, folder: Path) -> None:
        write_atomically(folder / self.parameter_file, self.model.save)
        write_arrays(folder / "variance.npz", {"variance": self.variance})

    def load_parameters(self, folder: Path) -> None:
        self.model = keras_network.load(folder / self.parameter_file)
        self.variance = float(read_arrays(folder / "variance.npz")["variance"])
        self.learned, self._is_compiled = True, False

    def state(self) -> dict:
        states = keras_network.random_states(self.model)
        random = {number: np.array(state) for number, state in states.items()}
        state = {"history": np.array(self.history), "random": random}
        return state | {"forward": self.forward, "prior": self.prior}

    def set_state(self, state: dict) -> None:
        self.history = state["history"].tolist()
        self.forward, self.prior = state["forward"], state.get("prior")
        for number, variable in keras_network.random_states(self.model).items():
            variable.assign(state["random"][number])

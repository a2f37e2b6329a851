"""A finished run, opened again: configuration, model, data, latents, rounds."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from models import data
from models.data.errors import DataError, reading
from models.evaluation.mixture import Mixture


@dataclass(frozen=True, eq=False)
class Round:
    """What one whole round left behind.

    z_mean, z_log_var: of q(z|x), (n, latent_dim). z: what the VAE sent up, the same.
    classes: (n,) int. responsibilities: (n, n_components). weights, means, precisions:
    of the mixture, full precisions. model: the weights of the VAE,
    in Keras's order.
    """

    z_mean: np.ndarray
    z_log_var: np.ndarray
    z: np.ndarray
    classes: np.ndarray
    responsibilities: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    precisions: np.ndarray
    model: list

    @property
    def mixture(self):
        return Mixture(self.weights, self.means, self.precisions)

    def every(self, step):
        """Of one datum of `step`."""
        return replace(self, **{name: getattr(self, name)[::step] for name in LATENTS})


LATENTS = ("z_mean", "z_log_var", "z", "classes", "responsibilities")
MIXTURE = ("weights", "means", "precisions")


def round_arrays(rounds):
    """Rounds as arrays by name, for a file: "1.z", "1.model.0", ..."""
    arrays = {}
    for number, kept in enumerate(rounds, start=1):
        arrays |= {
            f"{number}.{name}": getattr(kept, name) for name in LATENTS + MIXTURE
        }
        arrays |= {f"{number}.model.{i}": w for i, w in enumerate(kept.model)}
    return arrays


class Run:
    """A run of `python -m models.train`: RUN of the other commands.

    Args:
        name: the folder, or its name below runs/, such as a `--tag`.

    Attributes:
        path: the folder.
        config: the resolved configuration, option -> value.
        n_rounds: how many whole rounds it had.

    Everything else is read when it is asked for. Raises ValueError or OSError, with a
    sentence: no such folder, no run in it, a missing or damaged file.
    """

    def __init__(self, name):
        self.path = find(name)
        with reading(self.path / "config.json", "the configuration of a run"):
            self.config = json.loads((self.path / "config.json").read_text())
            if "variant" not in self.config:
                raise ValueError
        self.n_rounds = self._count_rounds()

    def _count_rounds(self):
        """0 for a run that was stopped in its first round."""
        path = self.path / "metrics.json"
        if not path.exists():
            return 0
        with reading(path, "the scores of a run"):
            return json.loads(path.read_text())["last"]["round"]

    @cached_property
    def model(self):
        """The VAE as the run left it."""
        import models  # Keras is slow to import

        return models.load(self.path / "model.keras")

    @cached_property
    def dataset(self):
        """The data it was trained on, read again from where they were."""
        return self.load(self.config["data"], self.config["labels"])

    @cached_property
    def test(self):
        """Data like those it was trained on, but others; DataError if there are none.

        The rows that --hold-out kept back, or the test images of a named data set.
        """
        if self.config.get("hold_out"):
            return self._own(self.config["labels"])[1]
        return self._checked(data.load(self.config["data"], split="test"))

    def _own(self, labels):
        """The run's own data: (what it was trained on, what was held out)."""
        config = self.config
        stream = config.get("stream")
        whole = data.load(config["data"], labels, config["image_size"], stream=stream)
        whole = whole.part(config.get("range"))
        return whole.hold_out(config.get("hold_out"), config["seed"])

    def load(self, source, labels=None):
        """Other data, read as this run's were; DataError if the model cannot take them.

        source, labels: as `models.data.load` takes them.
        """
        own = source == self.config["data"]
        return self._checked(self._own(labels)[0] if own else data.load(source, labels))

    def _checked(self, dataset):
        expected = self.model.input["x"].shape[1:]
        if dataset.input_shape != tuple(expected):
            raise DataError(
                f"{dataset.name}: this model takes data of the shape {tuple(expected)},"
                f" got {dataset.input_shape}; give data like those it was trained on."
            )
        return dataset

    def round(self, number=None):
        """The `Round` of this number, from 1 on; the last one for `None`.

        `run.model.set_weights(run.round(number).model)` goes back to that round.
        """
        number = self.n_rounds if number is None else number
        if not 1 <= number <= self.n_rounds:
            raise ValueError(
                f"--round must be 1 to {self.n_rounds}, the number of whole rounds in "
                f"{self.path}. Received: {number}"
            )
        if self.n_rounds == 1:
            arrays = self.arrays("latents.npz") | self.arrays("gmm.npz")
            model = self.model.get_weights()
        else:
            arrays = self.arrays("rounds.npz", f"{number}.")
            n_weights = len(self.model.weights)
            model = [arrays[f"model.{i}"] for i in range(n_weights)]
        return Round(*(arrays[name] for name in LATENTS + MIXTURE), model)

    def arrays(self, file, prefix=""):
        """The arrays of a file whose names begin so, by the rest of their names."""
        with reading(self.path / file, "what a run writes"):
            with np.load(self.path / file, allow_pickle=False) as arrays:
                names = [name for name in arrays if name.startswith(prefix)]
                return {name.removeprefix(prefix): arrays[name] for name in names}


def find(name):
    """The folder of a run, or a DataError that says what there is."""
    for path in (Path(name).expanduser(), Path("runs") / name):
        if (path / "config.json").is_file():
            return path
    known = sorted(p.parent.name for p in Path("runs").glob("*/config.json"))
    there = f"runs/ holds {', '.join(known[-8:])}" if known else "runs/ holds none"
    what = "is no folder of a run" if Path(name).exists() else "there is no such run"
    raise DataError(
        f"RUN {name}: {what}; give the folder or the tag of a run of "
        f"python -m models.train; {there}."
    )

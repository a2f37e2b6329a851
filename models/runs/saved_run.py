"""A finished run, opened again: configuration, model, data, latents, rounds."""

import json
import os
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

import models
from models import data
from models.checks import check_integer, check_unpacked
from models.data.errors import DataError, join_names, reading
from models.data.preprocessing import Preprocessing
from models.deprecated import renamed, renamed_options
from models.runs.rounds import LATENTS, MIXTURE, Round, saved_weights


class SavedRun:
    """A run of `python -m models.train`: RUN of the other commands.

    Everything but the configuration is read when it is first used. ValueError is raised
    if there is no such run or a file is damaged, OSError if one cannot be read.

    Args:
        name: the folder, or its name below runs/.

    Attributes:
        path: the folder.
        config: the resolved configuration, option -> value, with the present names.
        n_rounds: the number of whole rounds, 0 if the run was stopped in the first.
    """

    def __init__(self, name: str | Path):
        self.path = find_run(name)
        self.config = read_config(self.path / "config.json")
        self.n_rounds, scores = 0, self.path / "metrics.json"
        if scores.exists():
            with reading(scores, "the scores of a run"):
                number = json.loads(scores.read_text("utf-8"))["last"]["round"]
                self.n_rounds = check_integer("round", number)

    @cached_property
    def model(self):
        """The VAE after the last epoch."""
        return models.load(self.path / "model.keras")

    @cached_property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """name -> shape of a row, of the inputs of the model, without Keras if it can.

        (What does not fit the model is refused before seconds of imports.)
        """
        try:
            with ZipFile(self.path / "model.keras") as file:
                layers = json.loads(file.read("config.json"))["config"]["layers"]
            layers = [e["config"] for e in layers if e["class_name"] == "InputLayer"]
            return {each["name"]: tuple(each["batch_shape"][1:]) for each in layers}
        except (OSError, BadZipFile, KeyError):  # as after Ctrl-C, with a checkpoint
            inputs = self.model.input.items()
            return {name: tuple(tensor.shape[1:]) for name, tensor in inputs}

    @property
    def is_conditional(self) -> bool:
        """Whether the model takes labels."""
        return "label" in self.inputs

    @cached_property
    def dataset(self) -> data.Dataset:
        """The training data, read again from their source."""
        return self.own(self.config["labels"])

    @cached_property
    def test(self) -> data.Dataset:
        """The test rows of --test-fraction, or the test images of a built-in data set.

        Raises DataError if there are none.
        """
        if self.config.get("test_fraction"):
            return self._own_splits(self.config["labels"])[1]
        return self._checked(self._load(self.config["data"], split="test"))

    @property
    def has_test(self) -> bool:
        """Whether there are such rows."""
        is_split = bool(self.config.get("test_fraction"))
        return is_split or data.has_test_data(self.config["data"])

    @property
    def preprocessing(self) -> Preprocessing | None:
        """What was decided on the training data; `None` in runs of earlier releases."""
        stored = self.config.get("preprocessing")
        return stored and Preprocessing.from_json(stored)

    def _load(self, source, labels=None, **options):
        """Data as the model takes them."""
        stored = self.preprocessing
        if stored is None:
            names = ("image_size", "image_shape")
            options |= {name: self.config.get(name) for name in names}
            options["standardize"] = False
        return data.load(source, labels, preprocessing=stored, **options)

    def _own_splits(self, labels):
        """(training rows, test rows or `None`) of the run's own data."""
        stream = self.config.get("stream")
        dataset = self._load(self.config["data"], labels, stream=stream)
        dataset = dataset.select_rows(self.config.get("rows"))
        return dataset.split(self.config.get("test_fraction"), self.config["seed"])

    def own(self, labels: str | Path | None) -> data.Dataset:
        """The training data with labels of this name or file."""
        return self._checked(self._own_splits(labels)[0])

    def load(self, source: str | Path, labels: str | Path | None = None):
        """Data for the model of this run, with the arguments of `models.data.load`.

        Raises DataError if they cannot be read, or have another shape than the model's.
        """
        return self._checked(self._load(source, labels))

    def _checked(self, dataset):
        expected = self.inputs["x"]
        if dataset.input_shape != expected:
            raise DataError(
                f"{dataset.name}: this model takes data of the shape {expected}, got "
                f"{dataset.input_shape}; give data like the training data."
            )
        return dataset

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels that the model was trained on, by their codes."""
        return self.dataset.label_names[: self.dataset.labels.max() + 1]

    def labels_for(self, dataset: data.Dataset) -> np.ndarray | None:
        """The labels of other data in the codes of the model, (n,) int.

        The same name may have another code there. `None` if the model takes no label.
        Raises ValueError if labels are missing or unknown.
        """
        if not self.is_conditional:
            return None
        if dataset.labels is None:
            source = self.preprocessing and self.preprocessing.labels
            raise ValueError(
                f"{dataset.name}: the model of {self.path} is conditional: "
                f"trained with the labels {source or 'of its data'}, it needs a label "
                "for each row, and these data have none; give --labels."
            )
        codes = {name: code for code, name in enumerate(self.label_names)}
        recoded = np.array([codes.get(name, -1) for name in dataset.label_names])
        labels = recoded[dataset.labels]
        if labels.min() < 0:
            unknown = dataset.label_names[dataset.labels[labels < 0].min()]
            raise ValueError(
                f"{dataset.name}: expected the labels of the run, {join_names(codes)}. "
                f"Received: {unknown}"
            )
        return labels

    def label_code(self, label: str | None) -> int | None:
        """The code of --label, a name or a code; `None` for `None`.

        Raises ValueError if the model takes no label, or not this one.
        """
        if label is None:
            return None
        if not self.is_conditional:
            raise ValueError(
                f"--label {label}: only a conditional model decodes a label, and the "
                f"model of {self.path} is not conditional; leave it out"
            )
        codes = {name: code for code, name in enumerate(self.label_names)}
        found = codes.get(label, {str(k): k for k in codes.values()}.get(label))
        if found is None:
            raise ValueError(
                f"--label must be one of the run's labels, {join_names(codes)}. "
                f"Received: {label}"
            )
        return found

    def round(self, number: int | None = None) -> Round:
        """The `Round` of this number, from 1 on; the last one for `None`.

        `run.model.set_weights(run.round(number).model)` restores the model of that
        round. Raises ValueError if there is no such round, or a file is damaged.
        """
        number = self.n_rounds if number is None else number
        if not 1 <= number <= self.n_rounds:
            raise ValueError(
                f"--round must be 1 to {self.n_rounds}, the number of whole rounds in "
                f"{self.path}. Received: {number}"
            )
        if self.n_rounds == 1:
            arrays = self.arrays("latents.npz")
            if (self.path / "gmm.npz").exists():
                arrays |= self.arrays("gmm.npz")
            weights = self.model.get_weights()
        else:
            arrays = self.arrays("rounds.npz", f"{number}.")
            weights = saved_weights(arrays, self.model)
        arrays = {name: arrays[name] for name in LATENTS + MIXTURE if name in arrays}
        return Round(model=weights, **arrays)

    @property
    def mixture(self):
        """The scikit-learn mixture of the last round, or `None` if there is none."""
        return self.round().mixture if self.n_rounds else None

    def arrays(self, file: str, prefix: str = "") -> dict[str, np.ndarray]:
        """The arrays of a file whose names start with `prefix`, without it."""
        path = self.path / file
        check_unpacked(path)
        with reading(path, "a file that a run writes"), np.load(path) as arrays:
            names = [name for name in arrays if name.startswith(prefix)]
            return {name.removeprefix(prefix): arrays[name] for name in names}


Run = renamed("models.runs.saved_run.Run", SavedRun)


def find_run(name: str | Path) -> Path:
    """The folder of a run; raises a DataError that lists the runs there are."""
    for path in (Path(os.path.expanduser(name)), Path("runs") / name):
        if (path / "config.json").is_file():
            return path
    known = sorted(p.parent.name for p in Path("runs").glob("*/config.json"))
    there = f"runs/ holds {', '.join(known[-8:])}" if known else "runs/ holds none"
    is_there = Path(name).exists()
    problem = "is not the folder of a run" if is_there else "there is no such run"
    raise DataError(
        f"RUN {name}: {problem}; give the folder or the name of a run of "
        f"python -m models.train; {there}."
    )


def read_config(path: Path) -> dict:
    """The configuration of a run, with the present names; raises DataError."""
    with reading(path, "the configuration of a run"):
        config = json.loads(path.read_text("utf-8"))
        if "variant" not in config:
            raise ValueError
    return renamed_options(config)

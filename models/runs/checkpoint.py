"""Checkpoints of a training, and how it is resumed from one.

After every epoch `history.csv` is written and then `checkpoint.keras`, and within a
long epoch the latter every five minutes; each file is written completely or not at all.
The checkpoint has the model, its optimiser, its seeds and the state of its metrics; the
order of the data follows from the steps trained (`models.training`). So a run that is
killed at any moment resumes from its last checkpoint, within an epoch too, and ends
with the weights and the history of an uninterrupted run, bit for bit. (Keras's
BackupAndRestore returns to the start of the epoch.)
"""

import csv
import json
import math
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras

import models
from models.data.errors import reading
from models.runs.run_folder import CHECKPOINT, RunFolder

SECONDS = 300
HISTORY, SETTINGS, METRIC_STATE = "history.csv", "training.json", "sums.json"
RESERVED_ARGUMENTS = {"initial_epoch", "steps_per_epoch"}
RESERVED_ARGUMENTS |= {"validation_freq", "validation_split"}


class Checkpoint(keras.callbacks.Callback):
    """Saves the history and then the model after every epoch.

    Args:
        folder: the `RunFolder`.
        history: a function that returns the columns of `history.csv`, name -> list.
        seconds: within an epoch, the model is saved after the first call of the train
            function that ends as long after the last checkpoint; 0: after every call.
    """

    save_freq = "epoch"  # by which Keras's callbacks declare that steps may be grouped

    def __init__(self, folder: RunFolder, history: Callable, seconds: float = SECONDS):
        super().__init__()
        self.folder, self.history = folder, history
        self.seconds, self.last = seconds, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        """Saves the model if it is time."""
        is_last = batch + 1 >= self.params["steps"]  # `on_epoch_end` follows
        if not is_last and time.monotonic() - self.last >= self.seconds:
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        """Saves history and model."""
        self.folder.write_csv(HISTORY, self.history())
        self.save()

    def save(self):
        """Writes `checkpoint.keras`."""
        self.folder.write_file(CHECKPOINT, partial(save_checkpoint, self.model))
        self.last = time.monotonic()


def save_checkpoint(model: keras.Model, path: Path) -> None:
    """Saves the model, and in the same archive the state of its metrics."""
    model.save(path)
    variables = model.metrics_variables
    values = [keras.ops.convert_to_numpy(each).tolist() for each in variables]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(METRIC_STATE, json.dumps(values))


class RestoreMetrics(keras.callbacks.Callback):
    """Restores the metrics of the first part of an epoch when its rest begins."""

    def __init__(self, values: list):
        super().__init__()
        self.values = values

    def on_epoch_begin(self, epoch, logs=None):
        """Restores the metrics."""
        variables = self.model.metrics_variables
        for variable, value in zip(variables, self.values, strict=True):
            variable.assign(value)


class ResumableTraining:
    """A training that continues from the steps that its model has made, if any.

    Args:
        model: compiled; loaded from the checkpoint where there is one.
        path: the folder.
        steps_per_epoch: an integer.
        begun_at: the steps that the model had made before this training.

    Attributes: `model`; `history` of the complete epochs so far, name -> list. Raises
    ValueError if the files in the folder are damaged.
    """

    def __init__(
        self, model: keras.Model, path: Path, steps_per_epoch: int, begun_at: int = 0
    ):
        self.model, self.steps_per_epoch = model, steps_per_epoch
        self.n_steps = model.steps_trained() - begun_at
        n_epochs, within = divmod(self.n_steps, steps_per_epoch)
        self.history = read_history(path / HISTORY, n_epochs)
        self.metric_state = read_metric_state(path / CHECKPOINT) if within else None

    def fit(self, fit: Callable, model, x, epochs: int, callbacks=(), **others) -> None:
        """Calls `fit`, a function like `VAE.fit`, for the remaining epochs."""
        remaining = remaining_fits(self.n_steps, self.steps_per_epoch, epochs)
        for first, last, steps in remaining:
            is_rest = steps < self.steps_per_epoch
            restore = [RestoreMetrics(self.metric_state)] if is_rest else []
            part = {"initial_epoch": first, "epochs": last, "steps_per_epoch": steps}
            own = {"callbacks": [*restore, *callbacks], "within_pass": True}
            fit(model, x, **others | part | own)


def remaining_fits(n_steps: int, steps_per_epoch: int, epochs: int) -> list[tuple]:
    """(initial epoch, last epoch, steps per epoch) of each `fit` that remains.

    The rest of an interrupted epoch is a `fit` of its own. n_steps: those made so far.
    """
    epoch, within = divmod(n_steps, steps_per_epoch)
    rest = [(epoch, epoch + 1, steps_per_epoch - within)] if within else []
    fits = [*rest, (epoch + len(rest), epochs, steps_per_epoch)]
    return [fit for fit in fits if fit[0] < epochs]


def read_history(path: Path, n_epochs: int) -> dict[str, list[float]]:
    """The values of the first epochs, name -> list."""
    if n_epochs == 0:
        return {}
    with reading(path, f"the history of {n_epochs} epochs"):
        lines = path.read_text("utf-8").splitlines()
        rows = list(csv.DictReader(lines))[:n_epochs]
        if len(rows) < n_epochs:
            raise ValueError
        names = [name for name in rows[0] if name not in ("round", "epoch")]
        return {name: [float(row[name]) for row in rows] for name in names}


def read_metric_state(path: Path) -> list:
    """The values that `save_checkpoint` wrote for the metrics."""
    with reading(path, "a checkpoint"), zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(METRIC_STATE))


def fit(
    model: keras.Model,
    x,
    folder: Path | str,
    epochs: int,
    batch_size: int,
    *,
    seconds: float = SECONDS,
    callbacks: list = (),
    **others,
) -> keras.Model:
    """`model.fit` with checkpoints in `folder`; resumes if the folder has one.

    Args:
        model: compiled; a checkpoint in the folder takes its place.
        x: arrays, memory maps or `Rows`, as `VAE.fit` takes them.
        folder: for `checkpoint.keras`, `history.csv` and `training.json`.
        epochs: the total number; like `batch_size`, it must not change on resuming.
        batch_size: rows in a batch.
        seconds: between checkpoints within an epoch.
        callbacks: as for `VAE.fit`.
        **others: as for `VAE.fit`, except for `RESERVED_ARGUMENTS`.

    Returns the model that was trained. Raises ValueError if the training in the folder
    has other settings, a file cannot be read, or a reserved argument is given.
    """
    for name in others.keys() & RESERVED_ARGUMENTS:
        raise ValueError(
            f"{name} must be left out: an epoch is one pass over all rows of x, and "
            f"each has a row in {HISTORY}. Received: {others[name]}"
        )
    folder = RunFolder(folder, overwrite=True)
    n_rows = len(x["x"] if isinstance(x, dict) else x)
    settings = {"rows": n_rows, "epochs": epochs, "batch_size": batch_size}
    if (folder.path / CHECKPOINT).exists():
        settings = check_settings(folder.path / SETTINGS, settings)
        model = models.load(folder.path / CHECKPOINT)
    else:
        settings["begun_at"] = model.steps_trained()
        folder.write_json(SETTINGS, settings)
    steps, begun_at = math.ceil(n_rows / batch_size), settings["begun_at"]
    training = ResumableTraining(model, folder.path, steps, begun_at)
    history = training.history

    def append(epoch, logs):
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))

    def columns():
        return {"epoch": [*range(1, len(history["loss"]) + 1)]} | history

    own = [keras.callbacks.LambdaCallback(on_epoch_end=append)]
    own += [Checkpoint(folder, columns, seconds), *callbacks]
    others["batch_size"] = batch_size
    training.fit(type(model).fit, model, x, epochs, own, **others)
    return model


def check_settings(path: Path, settings: dict) -> dict:
    """The content of `training.json`; ValueError unless it has these settings."""
    with reading(path, "the settings of a training"):
        saved = json.loads(path.read_text("utf-8"))
    for name, value in settings.items():
        if saved[name] != value:
            raise ValueError(
                f"{name} must be {saved[name]}, as when the training in {path.parent} "
                f"was started. Received: {value}"
            )
    return saved

"""What a run keeps while it trains, and how it goes on from there.

After every epoch `history.csv` is written and `checkpoint.keras` after it, and within a
long epoch the latter every five minutes, each whole or not at all. The checkpoint is
the model with the state of its optimiser and of its noise, and the metric_state of which the
epoch's means will be made; the order of the data follows from the steps trained
(`models.training.batching`, `models.training.streaming`). So a run killed at any moment goes on
from the last checkpoint, within an epoch too, and ends with the weights and the history
of the run that was never stopped, bit for bit. (Keras's BackupAndRestore goes back to
the epoch's start, and writes its files in place.)
"""

import csv
import json
import math
import time
import zipfile
from functools import partial

import keras

import models
from models.data.errors import reading
from models.runs.run_folder import CHECKPOINT, RunFolder

SECONDS = 300
HISTORY, SETTINGS, METRIC_STATE = "history.csv", "training.json", "sums.json"
RESERVED_ARGUMENTS = {
    "initial_epoch",
    "steps_per_epoch",
    "validation_split",
    "validation_freq",
}


class Checkpoint(keras.callbacks.Callback):
    """Saves the model that is trained: after every epoch, the history first, and within
    an epoch after the first step, or call of several, that ends `seconds` later.

    Args:
        folder: the `RunFolder`.
        history: a function that gives the columns of `history.csv`.
        seconds: between savings within an epoch; 0 saves after every call.
    """

    save_freq = "epoch"  # what a callback says that need not see every step

    def __init__(self, folder, history, seconds=SECONDS):
        super().__init__()
        self.folder, self.history = folder, history
        self.seconds, self.last = seconds, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        is_last = batch + 1 >= self.params["steps"]  # whose end is the epoch's
        if not is_last and time.monotonic() - self.last >= self.seconds:
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.folder.csv(HISTORY, self.history())
        self.save()

    def save(self):
        self.folder.file(CHECKPOINT, partial(save_checkpoint, self.model))
        self.last = time.monotonic()


def save_checkpoint(model, path):
    """The model, and in the same archive the metric_state of the epoch so far."""
    model.save(path)
    values = [keras.ops.convert_to_numpy(v).tolist() for v in metric_variables(model)]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(METRIC_STATE, json.dumps(values))


def metric_variables(model):
    """The variables that the means of an epoch are made of."""
    return [variable for metric in model.metrics for variable in metric.variables]


class RestoreMetrics(keras.callbacks.Callback):
    """Gives a model the metric_state of an epoch's first part when its rest begins."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_begin(self, epoch, logs=None):
        for variable, value in zip(
            metric_variables(self.model), self.values, strict=True
        ):
            variable.assign(value)


class ResumableTraining:
    """A training that goes on from where its model stands, if only at its beginning.

    Args:
        model: compiled; the checkpoint, once there is one.
        path: the folder.
        steps_per_epoch: an integer.
        begun_at: how many steps the model had made before.

    Attributes:
        model: as above.
        history: of the whole epochs so far, name -> list.

    Raises ValueError, with a sentence, where the folder's files are damaged.
    """

    def __init__(self, model, path, steps_per_epoch, begun_at=0):
        self.model, self.steps_per_epoch = model, steps_per_epoch
        self.done = model.steps_trained() - begun_at
        n_epochs, within = divmod(self.done, steps_per_epoch)
        self.history = read_history(path / HISTORY, n_epochs)
        self.metric_state = read_metric_state(path / CHECKPOINT) if within else None

    def fit(self, fit, model, x, epochs, callbacks=(), **others):
        """`fit`, a function as `VAE.fit`, of what is left of so many epochs."""
        for first, last, steps in remaining_fits(
            self.done, self.steps_per_epoch, epochs
        ):
            back = (
                [RestoreMetrics(self.metric_state)]
                if steps < self.steps_per_epoch
                else []
            )
            part = {"initial_epoch": first, "epochs": last, "steps_per_epoch": steps}
            own = {"callbacks": [*back, *callbacks], "within_pass": True}
            fit(model, x, **others | part | own)


def remaining_fits(done, each, epochs):
    """(initial epoch, last epoch, steps in each) of the `fit`s that are still to do.

    done: how many steps are. The rest of an epoch that was broken off is its own.
    """
    epoch, within = divmod(done, each)
    parts = []
    if within and epoch < epochs:
        parts.append((epoch, epoch + 1, each - within))
        epoch += 1
    if epoch < epochs:
        parts.append((epoch, epochs, each))
    return parts


def read_history(path, n_epochs):
    """The values of the first epochs, name -> list."""
    if n_epochs == 0:
        return {}
    with reading(path, f"the history of {n_epochs} epochs"), path.open() as file:
        rows = list(csv.DictReader(file))[:n_epochs]
        if len(rows) < n_epochs:
            raise ValueError
        names = [name for name in rows[0] if name not in ("round", "epoch")]
        return {name: [float(row[name]) for row in rows] for name in names}


def read_metric_state(path):
    with reading(path, "a checkpoint"), zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(METRIC_STATE))


# --- In Python ------------------------------------------------------------------------


def fit(model, x, folder, epochs, batch_size, *, seconds=SECONDS, callbacks=(), **more):
    """`model.fit`, kept in `folder` as it goes; begun there before, it goes on.

    Args:
        model: compiled; where the folder has a checkpoint, that takes its place.
        x: arrays, memory maps or `Rows`, as `VAE.fit` takes them.
        folder: for `checkpoint.keras`, `history.csv` and `training.json`.
        epochs, batch_size: in all; a folder goes on with no others.
        seconds: between savings within an epoch.
        callbacks, more: as `VAE.fit`'s, but for `RESERVED_ARGUMENTS`.

    Returns the model that was trained. Raises ValueError: the folder was begun with
    other settings, or its files cannot be read; or `more` has one of `RESERVED_ARGUMENTS`.
    """
    for name in sorted(RESERVED_ARGUMENTS & set(more)):
        raise ValueError(
            f"{name} must be left out: an epoch is one pass over all rows of x, and "
            f"each has a row in {HISTORY}. Received: {more[name]}"
        )
    folder = RunFolder(folder, overwrite=True)
    n_rows = len(x["x"] if isinstance(x, dict) else x)
    plan = {"rows": n_rows, "epochs": epochs, "batch_size": batch_size}
    if (folder.path / CHECKPOINT).exists():
        plan = check_settings(folder.path / SETTINGS, plan)
        model = models.load(folder.path / CHECKPOINT)
    else:
        plan["begun_at"] = model.steps_trained()
        folder.json(SETTINGS, plan)
    each = math.ceil(n_rows / batch_size)
    training = ResumableTraining(model, folder.path, each, plan["begun_at"])
    history = training.history

    def append(epoch, logs):
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))

    def columns():
        return {"epoch": [*range(1, len(history["loss"]) + 1)]} | history

    own = [keras.callbacks.LambdaCallback(on_epoch_end=append)]
    own += [Checkpoint(folder, columns, seconds), *callbacks]
    training.fit(type(model).fit, model, x, epochs, own, batch_size=batch_size, **more)
    return model


def check_settings(path, plan):
    """What `training.json` says; ValueError unless it was begun with this plan."""
    with reading(path, "the settings of a training"):
        begun = json.loads(path.read_text())
    for name, value in plan.items():
        if begun[name] != value:
            raise ValueError(
                f"{name} must be {begun[name]}, with which the training in "
                f"{path.parent} was begun. Received: {value}"
            )
    return begun

"""Training that can be killed, and goes on where it was saved last.

Keras's BackupAndRestore goes back to the start of an epoch, and its files can be cut
short by a kill; an epoch of a large file takes hours. Here the model is saved whole,
with the state of its optimiser and of its noise, every few minutes and at the end of
each `fit`; the order of the data follows from the steps the optimiser has made
(`models.blocks.stream`), so that nothing else need be kept. What a kill costs is the
work since the last saving, and of the epoch it fell in the part of its means that came
before.
"""

import csv
import json
import time
from pathlib import Path

import keras

import models
from models.experiment.runs import save_json, write_whole

MODEL, PLAN, HISTORY = "model.keras", "training.json", "history.csv"


class Save(keras.callbacks.Callback):
    """Saves the model at the end of the first step after every so many seconds.

    Not of an epoch's last step, whose end belongs to the history first.
    """

    def __init__(self, path, seconds):
        super().__init__()
        self.path, self.seconds, self.last = path, seconds, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 < self.params["steps"]:
            self.save_if_due()

    def on_epoch_end(self, epoch, logs=None):
        self.save_if_due()

    def save_if_due(self):
        if time.monotonic() - self.last >= self.seconds:
            self.save()

    def save(self):
        write_whole(self.path, self.model.save)
        self.last = time.monotonic()


class Append(keras.callbacks.Callback):
    """Adds a row for each epoch to a table; of an epoch that is there, a new one."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        row = {"epoch": epoch + 1} | {k: float(v) for k, v in (logs or {}).items()}
        rows = [r for r in read_history(self.path) if r["epoch"] <= epoch] + [row]

        def write(path):
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
                writer.writerows(rows)

        write_whole(self.path, write)


def read_history(path):
    """The rows of `history.csv`, one dict an epoch; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return [row | {"epoch": int(row["epoch"])} for row in rows]


def fit(model, x, folder, epochs, batch_size, *, seconds=300, callbacks=(), **kwargs):
    """`model.fit`, saved in `folder` as it goes; begun there before, it goes on.

    Args:
        model: compiled; where the folder has one, that one takes its place.
        x: memory maps or `Rows`, as `fit` takes them (arrays too, but then an epoch
            that was broken off draws a new order for its rest).
        folder: for `model.keras`, `history.csv` and `training.json`.
        epochs, batch_size: in all; a folder goes on with no others.
        seconds: between savings; 0 saves each step.
        callbacks, kwargs: as `fit`'s.

    Returns the model that was trained. Raises ValueError: the folder was begun with
    other settings, or its model cannot be read.
    """
    folder = Path(folder)
    plan = begin(model, x, folder, epochs, batch_size)
    if (folder / MODEL).exists():
        model = models.load(folder / MODEL)
    save = Save(folder / MODEL, seconds)
    each = plan["steps_per_epoch"]
    callbacks = [Append(folder / HISTORY), save, *callbacks]
    for first, last, steps in rest(
        model.steps_trained() - plan["begun_at"], each, epochs
    ):
        model.fit(
            x,
            batch_size=batch_size,
            initial_epoch=first,
            epochs=last,
            steps_per_epoch=steps,
            callbacks=callbacks,
            **kwargs,
        )
        save.save()
    return model


def begin(model, x, folder, epochs, batch_size):
    """What `training.json` says, written now if the folder is new."""
    x = x["x"] if isinstance(x, dict) else x
    plan = {
        "rows": len(x),
        "epochs": epochs,
        "batch_size": batch_size,
        "steps_per_epoch": -(-len(x) // batch_size),
    }
    path = folder / PLAN
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        plan["begun_at"] = model.steps_trained()
        write_whole(path, lambda part: save_json(part, plan))
        return plan
    begun = json.loads(path.read_text())
    for name, value in plan.items():
        if begun.get(name) != value:
            raise ValueError(
                f"{name} must be {begun.get(name)}, with which the training in "
                f"{folder} was begun. Received: {value}"
            )
    return begun


def rest(done, each, epochs):
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

"""What a run keeps of every epoch, and how it goes on from there.

`history.csv` is written first and `checkpoint.keras` after it, each whole or not at
all, so that a run killed at any moment has its last whole epoch: as many rows of the
one as the optimiser in the other has made steps for. (Keras's BackupAndRestore writes
its files in place, and counts the epochs in another file than the weights.)
"""

import csv
import math
from functools import partial

import keras

import models
from models.experiment import report
from models.experiment.errors import reading
from models.experiment.finished import Run
from models.experiment.runs import CHECKPOINT


class Checkpoint(keras.callbacks.Callback):
    """Saves the model and its history after every epoch.

    Args:
        folder: the `RunFolder`.
        history: a function that gives the columns of `history.csv`.
        model: the one to save, which may mirror the one that is trained.
    """

    def __init__(self, folder, history, model):
        super().__init__()
        self.folder, self.history, self.mirror = folder, history, model

    def on_epoch_end(self, epoch, logs=None):
        self.folder.csv("history.csv", self.history())
        self.folder.model(CHECKPOINT, self.mirror)


def keep_epochs(vae, folder, config):
    """Has every epoch of this VAE module saved, if its run has but one round."""
    if config["rounds"] == 1:
        history = partial(report.history, vae, config)
        vae.callbacks.append(Checkpoint(folder, history, vae.model))


class Stopped:
    """A run that was stopped, opened to go on.

    Args:
        name: RUN, as `models.experiment.finished.Run` takes it.

    Attributes:
        path, config, dataset: as the run had them.
        model: as the last whole epoch left it, optimiser and all.
        history: of the epochs so far, name -> list.

    Raises ValueError or OSError, with a sentence.
    """

    def __init__(self, name):
        run = Run(name)
        self.path, self.config = run.path, retupled(run.config)
        if not (self.path / CHECKPOINT).exists():
            raise ValueError(
                f"--resume {name}: {self.path} has no {CHECKPOINT}; the run has ended, "
                "or it was begun without --checkpoint"
            )
        self.model = run.model = models.load(self.path / CHECKPOINT)
        self.dataset = run.dataset
        self.history = self.epochs(self.path / "history.csv")

    def epochs(self, path):
        """The history of as many epochs as the model was trained for."""
        rows = len(self.dataset.x)
        a_pass = math.ceil(rows / self.config["batch_size"])
        done = self.model.steps_trained() // (self.config["log_every"] or a_pass)
        with reading(path, f"the history of {done} epochs"), path.open() as file:
            kept = list(csv.DictReader(file))[:done]
            if len(kept) < done:
                raise ValueError
        names = [name for name in kept[0] if name not in ("round", "epoch")]
        return {name: [float(row[name]) for row in kept] for name in names}


def retupled(config):
    """JSON knows no tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}

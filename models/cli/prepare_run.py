"""How a run begins: as the options say, or where one that was stopped left off."""

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from models import data
from models.cli.device_options import check_resume
from models.cli.resolve import resolve
from models.runs.run_folder import CHECKPOINT, RunFolder
from models.runs.saved_run import SavedRun
from models.suppress_output import suppress_backend_output


@dataclass(frozen=True)
class Begun:
    """Data, resolved configuration, folder, and the `ResumableTraining` to go on with."""

    dataset: data.Dataset
    config: dict
    folder: RunFolder
    stopped: Any = None


def begin(given, defaults, scratch=None):
    """The run of these options, `Begun`. ValueError or OSError: what a user can mend.

    defaults: every option's value without a word on the command line.
    scratch: a folder that takes the place of the run's own.
    """
    if given.resume is None:
        return begin_new(given, scratch)
    check_resume(given, defaults)
    return go_on(given.resume, scratch)


def begin_new(given, scratch):
    size, stream = given.image_size, given.stream
    dataset = data.load(given.data, given.labels, size, stream=stream)
    dataset, _ = dataset.select_rows(given.range).split(given.hold_out, given.seed)
    config = resolve(given, dataset)
    data.check_enough_rows(dataset, config["batch_size"], config["n_components"])
    if config["likelihood"] == "bernoulli":
        data.check_unit_interval(dataset)
    where = (scratch, "") if scratch else place(given, dataset)
    return Begun(dataset, config, RunFolder(*where, given.overwrite))


def place(given, dataset):
    """The folder that was asked for, or `None`, and the stem of a numbered one."""
    if given.tag and given.out:
        raise ValueError(
            f"--tag {given.tag} means the folder runs/{given.tag}: leave --out out"
        )
    folder = f"runs/{given.tag}" if given.tag else given.out
    return folder, f"runs/{given.variant}-{dataset.name}"


def go_on(name, scratch):
    run = SavedRun(name)
    if not (run.path / CHECKPOINT).exists():
        raise ValueError(
            f"--resume {name}: {run.path} has no {CHECKPOINT}; the run has ended, "
            "was begun without --checkpoint, or was stopped before one was saved"
        )
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in run.config.items()}
    with suppress_backend_output():
        import models
        from models.runs.checkpoint import ResumableTraining

        run.model = models.load(run.path / CHECKPOINT)
        a_pass = math.ceil(len(run.dataset.x) / config["batch_size"])
        stopped = ResumableTraining(run.model, run.path, config["log_every"] or a_pass)
    folder = RunFolder(scratch or run.path, overwrite=True)
    return Begun(run.dataset, config, folder, stopped)


@contextmanager
def whole_or_gone(folder):
    """Discards the folder if the block breaks, unless the run can go on from it."""
    try:
        yield
    except BaseException as error:
        gone = folder.discard()
        if isinstance(error, ConnectionError) and not gone:
            raise ConnectionError(
                f"{error}. The run is kept up to its last checkpoint: start all its "
                f"processes again with --distribute --resume {folder.path}"
            ) from error
        raise

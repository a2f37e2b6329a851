"""The start of a run: new, or continued from the last checkpoint."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import models
from models import VARIANTS, data
from models.cli.common_options import CONFIG
from models.cli.signatures import flag_of
from models.runs.run_folder import CHECKPOINT, RunFolder
from models.runs.saved_run import SavedRun
from models.suppress_output import suppress_backend_output

# Options that are arguments of `models.data.load`:
DATA_OPTIONS = ("labels", "image_size", "image_shape", "stream")
DATA_OPTIONS += ("columns", "drop", "resize")


class PreparedRun(NamedTuple):
    """What training needs: the data, the content of config.json, the compiled VAE.

    `resumed` is the `ResumableTraining` of a run that is continued, or `None`.
    """

    dataset: data.Dataset
    config: dict
    folder: RunFolder
    model: Any
    resumed: Any = None


@contextmanager
def prepare(given: dict, scratch: str | None = None) -> Iterator[PreparedRun]:
    """The run of the options that were given; its folder is removed if the block fails.

    `scratch` is a folder in place of that of the run. Raises ValueError or OSError for
    wrong options, data or folders.
    """
    if "resume" in given:
        run = resume_run(given, scratch)
        with discard_on_failure(run.folder):
            yield run
        return
    dataset = load_data(given)
    folder = new_folder(given, dataset, scratch)
    with discard_on_failure(folder):
        with suppress_backend_output():
            from models.cli.resolve import resolve

            dataset, config, model = resolve(given, dataset)
        yield PreparedRun(dataset, config, folder, model)


def load_data(given: dict) -> data.Dataset:
    """The rows to train on."""
    value = {key: given.get(key, option.default) for key, option in CONFIG.items()}
    options = {name: value[name] for name in DATA_OPTIONS}
    options["standardize"] = value["standardize"] is not False
    dataset = data.load(value["data"], **options).select_rows(value["rows"])
    dataset, _ = dataset.split(value["test_fraction"], value["seed"])
    return dataset.fit_preprocessing()


def new_folder(given: dict, dataset: data.Dataset, scratch: str | None) -> RunFolder:
    """The folder of the run: --out, runs/NAME, or the next one with a number."""
    name, out = given.get("name"), given.get("out")
    if name and out:
        raise ValueError(f"--name {name} is the folder runs/{name}: leave --out out")
    path = scratch or (f"runs/{name}" if name else out)
    stem = f"runs/{given.get('variant', VARIANTS.default)}-{dataset.name}"
    return RunFolder(path, stem, "overwrite" in given)


def resume_run(given: dict, scratch: str | None) -> PreparedRun:
    """The run that --resume names, from its last checkpoint."""
    name = given["resume"]
    for key in given.keys() - {"resume", "distribute", "explore"}:
        raise ValueError(
            f"--resume {name} continues with the options of the run: leave "
            f"{flag_of(key)} out"
        )
    run = SavedRun(name)
    if not (run.path / CHECKPOINT).exists():
        raise ValueError(
            f"--resume {name}: {run.path} has no {CHECKPOINT}; the run has ended, was "
            "started without --checkpoint, or was stopped before the first one"
        )
    with suppress_backend_output():
        from models.runs.checkpoint import ResumableTraining

        run.model = models.load(run.path / CHECKPOINT)
        one_pass = math.ceil(len(run.dataset.x) / run.config["batch_size"])
        steps = run.config["steps_per_epoch"] or one_pass
        resumed = ResumableTraining(run.model, run.path, steps)
    folder = RunFolder(scratch or run.path, overwrite=True)
    return PreparedRun(run.dataset, run.config, folder, run.model, resumed)


@contextmanager
def discard_on_failure(folder: RunFolder) -> Iterator[None]:
    """Removes the folder if the block raises, unless the run can be resumed from it."""
    try:
        yield
    except BaseException as error:
        is_removed = folder.discard()
        if isinstance(error, ConnectionError) and not is_removed:
            raise ConnectionError(
                f"{error}. The run is kept up to its last checkpoint: start all its "
                f"processes again with --distribute --resume {folder.path}"
            ) from error
        raise

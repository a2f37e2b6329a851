"""The start of a run: new, or continued from the last checkpoint."""

import math
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import models
from models import VARIANTS, data
from models.cli.common_options import COMMON, Data
from models.cli.run_commands import discard_on_failure
from models.cli.signatures import flag_of, read_options
from models.runs.run_folder import CHECKPOINT, RunFolder
from models.runs.saved_run import SavedRun
from models.suppress_output import suppress_backend_output


@contextmanager
def prepare(given: dict, scratch: str | None = None) -> Iterator[tuple]:
    """The run of the options that were given; its folder is removed if the block fails.

    `scratch` is a folder in place of that of the run. Yields the data, the content of
    config.json, the `RunFolder`, the compiled VAE and, if the run is continued, its
    `ResumableTraining`, else `None`. Raises ValueError or OSError for wrong options,
    data or folders.
    """
    if "resume" in given:
        run, resumed = resume_run(given)
        folder = RunFolder(scratch or run.path, overwrite=True)
        with discard_on_failure(folder):
            yield run.dataset, run.config, folder, run.model, resumed
        return
    dataset = load_data(given)
    folder = new_folder(given, dataset, scratch)
    with discard_on_failure(folder):
        with suppress_backend_output():
            from models.cli.resolve import resolve

            dataset, config, model = resolve(given, dataset)
            config["data_digest"] = dataset.digest
            config["versions"] = versions()
        yield dataset, config, folder, model, None


def versions() -> dict[str, str]:
    """The versions that the result depends on, by name; the backend is the last."""
    from keras.config import backend

    found = {"python": platform.python_version(), "keras-vae-zoo": models.__version__}
    return found | {name: version(name) for name in ("numpy", "keras", backend())}


def load_data(given: dict) -> data.Dataset:
    """The rows to train on."""
    options = {o.key: given.get(o.key, o.default) for o in read_options(Data)}
    source, rows = options.pop("data"), options.pop("rows")
    test_fraction = options.pop("test_fraction")
    options["standardize"] = options["standardize"] is not False
    dataset = data.load(source, **options).select_rows(rows)
    dataset, _ = dataset.split(test_fraction, given.get("seed", COMMON["seed"].default))
    return dataset.fit_preprocessing()


def new_folder(given: dict, dataset: data.Dataset, scratch: str | None) -> RunFolder:
    """The folder of the run: --out, runs/NAME, or the next one with a number."""
    name, out = given.get("name"), given.get("out")
    if name and out:
        raise ValueError(f"--name {name} is the folder runs/{name}: leave --out out")
    path = scratch or (f"runs/{name}" if name else out)
    stem = f"runs/{given.get('variant', VARIANTS.default)}-{dataset.name}"
    return RunFolder(path, stem, "overwrite" in given)


def resume_run(given: dict) -> tuple:
    """The `SavedRun` that --resume names, and what remains of its training."""
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
        check_data(run)
        one_pass = math.ceil(len(run.dataset.x) / run.config["batch_size"])
        steps = run.config["steps_per_epoch"] or one_pass
        return run, ResumableTraining(run.model, run.path, steps)


def check_data(run: SavedRun) -> None:
    """Raises ValueError unless the data are those that the run was started with."""
    stored = run.config.get("data_digest")  # not in runs of earlier releases
    if stored not in (None, run.dataset.digest):
        raise ValueError(
            f"--resume {run.path}: {run.config['data']} no longer holds the data that "
            "the run was started with: restore them, or start a new run"
        )

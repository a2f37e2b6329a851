"""What the commands on a finished run share: their options, their run, their folder."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from models.cli import option_types as types
from models.suppress_output import suppress_backend_output

MAX_POINTS = 20_000  # in a figure, of data on disk


@dataclass(kw_only=True)
class OnRun:
    """The options of every command on a run.

    Args:
        run: a folder of python -m models.train, or its --name.
        out: a new or empty folder (default: RUN/COMMAND-001, or the next number).
        overwrite: replace the files in the folder.
    """

    positional: ClassVar = ("run",)
    run: types.RunName
    out: types.Folder | None = None
    overwrite: bool = False


@dataclass(kw_only=True)
class OnData(OnRun):
    """The options of a command that takes other data than the run's own.

    Args:
        data: data like those of the run, columns by name, as --data of models.train
            (default: the rows that the run was trained on).
        labels: labels of DATA (default: those in the data).
    """

    positional: ClassVar = ("run", "data")
    data: types.DataName | None = None
    labels: types.LabelSource | None = None


def open_run(name: str):
    """The run; its model is not loaded, so that what is wrong is refused at once."""
    from models.runs.saved_run import SavedRun

    return SavedRun(name)


def load_model(run):
    """The model of a run, without the output of the backend."""
    with suppress_backend_output():
        return run.model


def read_data(run, given):
    """The data that DATA and --labels name, by default the run's own, and the labels.

    The labels are those that a conditional model takes, in its codes; else `None`.
    """
    if given.data is not None:  # every row, even of the file with the run's own data
        same = given.data == run.config["data"]
        labels = given.labels or (run.config["labels"] if same else None)
        dataset = run.load(given.data, labels)
    else:
        dataset = run.own(given.labels) if given.labels else run.dataset
    return dataset, run.labels_for(dataset)


def check_row(run, option: str, row: int) -> None:
    """Raises ValueError unless the run's data have this row."""
    n = len(run.dataset.x)
    if row >= n:
        raise ValueError(
            f"{option} must be a row of the run's data, 0 to {n - 1}. Received: {row}"
        )


def decoded_label(run, label, row):
    """The code of --label, or of the label of the row; None if not conditional."""
    code = run.label_code(label)
    if code is not None or not run.is_conditional:
        return code
    if row is None:
        raise ValueError(
            f"the model of {run.path} is conditional: give --label to decode, or "
            "--row, whose label is then decoded"
        )
    return run.labels_for(run.dataset)[row]


def decode_grid(model, z, label):
    """The decoded points (rows, columns, latent_dim): (rows, columns, ...)."""
    x_mean = model.decode(z.reshape(-1, z.shape[-1]), label)
    return x_mean.reshape(*z.shape[:-1], *x_mean.shape[1:])


def figure_step(dataset) -> int:
    """The distance of the rows in a figure of points: not 1 only for data on disk."""
    return -(-len(dataset.x) // MAX_POINTS) if dataset.is_on_disk else 1


def spread(n: int, most: int):
    """At most `most` of n rows, evenly from the first to the last, as an index."""
    import numpy as np

    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


def write_table(folder, name: str, cells: dict[str, list]) -> None:
    """Writes cells of `Preprocessing.to_cells`; numbers with the digits of float32."""

    def rounded(cell):
        return float(f"{cell:.7g}") if isinstance(cell, float) else cell

    columns = {key: list(map(rounded, values)) for key, values in cells.items()}
    folder.write_csv(name, columns)


@contextmanager
def discard_on_failure(folder):
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


def list_files(folder, descriptions: dict[str, str]) -> str:
    """The files that were written, each with its description."""
    lines = []
    for path in folder.written:
        stem, _, label = path.stem.partition("-")  # manifold-3.png
        label = f", for label {label}" if label else ""
        lines.append(f"  {path.name:21}{descriptions[stem + path.suffix]}{label}")
    return "\n".join([f"Written to {folder.path}:", *lines])


@contextmanager
def results(run, given, descriptions: dict[str, str], dataset=None):
    """The folder of a command; its files are listed at the end, or removed on errors.

    `given` has the options, `descriptions` a description for each file name. What is
    done with the data is printed first.
    """
    from models.runs.run_folder import RunFolder

    folder = RunFolder(given.out, f"{run.path}/{given.command}", given.overwrite)
    with discard_on_failure(folder):
        if dataset is not None:
            print(dataset.describe(), flush=True)
        yield folder
    print(list_files(folder, descriptions))

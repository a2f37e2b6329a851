"""What the commands on a finished run share: their options, their run, their folder."""

import argparse
from contextlib import contextmanager

from models.cli.option_types import natural_number, number_type
from models.suppress_output import suppress_backend_output

two_or_more = number_type(int, "an integer >= 2", lambda n: n >= 2)


def make_parser(command: str, description: str) -> argparse.ArgumentParser:
    """The parser of a command, with RUN, --out and --overwrite."""
    parser = argparse.ArgumentParser(
        prog=f"python -m models.{command}", description=description
    )
    parser.set_defaults(command=command)
    add = parser.add_argument
    add("run", metavar="RUN", help="a folder of python -m models.train, or its --name")
    text = f"a new or empty folder (default: RUN/{command}-001, or the next number)"
    add("--out", metavar="FOLDER", help=text)
    text = "replace the files in the folder (default: refuse)"
    add("--overwrite", action="store_true", help=text)
    return parser


def add_data(parser) -> None:
    """Adds DATA and --labels, of a command that takes other data than the run's own."""
    text = "data of the same shape, as --data of models.train (default: the run's own)"
    parser.add_argument("data", nargs="?", metavar="DATA", help=text)
    text = "labels of DATA (default: those in the data)"
    parser.add_argument("--labels", metavar="COLUMN|PATH", help=text)


def add_label(parser, default: str) -> None:
    """Adds --label, of a command that decodes."""
    text = f"the name or number of the label to decode (default: {default})"
    parser.add_argument("--label", metavar="LABEL", help=text)


def add_seed(parser) -> None:
    """Adds --seed, of a command that samples."""
    add, text = parser.add_argument, "of the random numbers (default: 0)"
    add("--seed", type=natural_number, default=0, metavar="N", help=text)


def open_run(name: str):
    """The run, and its model, loaded without the output of the backend."""
    from models.runs.saved_run import SavedRun

    run = SavedRun(name)
    with suppress_backend_output():
        return run, run.model


def data_of(run, given):
    """The data that DATA and --labels name, by default the run's own."""
    own = run.config["data"], run.config["labels"]
    source = given.data or own[0]
    labels = given.labels or (own[1] if source == own[0] else None)
    return run.dataset if (source, labels) == own else run.load(source, labels)


def check_row(run, option: str, row: int) -> None:
    """Raises ValueError unless the run's data have this row."""
    n = len(run.dataset.x)
    if row >= n:
        raise ValueError(
            f"{option} must be a row of the run's data, 0 to {n - 1}. Received: {row}"
        )


def decode_grid(model, z, label):
    """The decoded points (rows, columns, latent_dim): (rows, columns, ...)."""
    x_mean = model.decode(z.reshape(-1, z.shape[-1]), label)
    return x_mean.reshape(*z.shape[:-1], *x_mean.shape[1:])


def spread(n: int, most: int):
    """At most `most` of n rows, evenly from the first to the last, as an index."""
    import numpy as np

    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


@contextmanager
def results(run, given, descriptions: dict[str, str]):
    """The folder of a command; its files are listed at the end, or removed on errors.

    Args:
        run: the run.
        given: the parsed arguments.
        descriptions: file name -> its content in words.
    """
    from models.runs.run_folder import RunFolder

    folder = RunFolder(given.out, f"{run.path}/{given.command}", given.overwrite)
    try:
        yield folder
    except BaseException:
        folder.discard()
        raise
    lines = [f"  {path.name:21}{descriptions[path.name]}" for path in folder.written]
    print("\n".join([f"Written to {folder.path}:", *lines]))

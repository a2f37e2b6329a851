"""What the commands on a finished run share: their options, their run, their folder."""

import argparse
from contextlib import contextmanager

from models.cli.option_types import natural_number, positive_integer
from models.suppress_output import suppress_backend_output


def make_parser(command, description):
    """A parser with what all of them take: RUN, --out and --overwrite."""
    parser = argparse.ArgumentParser(
        prog=f"python -m models.{command}", description=description
    )
    parser.set_defaults(command=command)
    add = parser.add_argument
    add("run", metavar="RUN", help="a folder of python -m models.train, or its tag")
    add(
        "--out",
        metavar="FOLDER",
        help="where results go; a new or empty folder "
        f"(default: RUN/{command}-001, or the next free number)",
    )
    add(
        "--overwrite",
        action="store_true",
        help="write into --out though it holds files (default: refuse)",
    )
    return parser


def add_data(parser):
    """DATA and --labels, of a command that takes other data than the run's own."""
    parser.add_argument(
        "data",
        nargs="?",
        metavar="DATA",
        help="data of the same shape, named as --data of models.train "
        "(default: the run's own)",
    )
    parser.add_argument(
        "--labels",
        metavar="COLUMN|PATH",
        help="labels of DATA (default: those in the data)",
    )


def add_label(parser, default):
    """--label, of a command that decodes."""
    parser.add_argument(
        "--label",
        metavar="LABEL",
        help="what a conditional model decodes: a label's name or number "
        f"(default: {default})",
    )


def add_seed(parser):
    """--seed, of a command that draws."""
    parser.add_argument(
        "--seed",
        type=natural_number,
        default=0,
        metavar="N",
        help="decides the draws (default: 0)",
    )


def two_or_more(text):
    """The type of --steps: a path has two ends."""
    number = positive_integer(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"expected an integer >= 2, got {text!r}")
    return number


def open_run(name):
    """The run, and its model, loaded without the backend's noise."""
    from models.runs.saved_run import SavedRun  # NumPy is slow to import

    run = SavedRun(name)
    with suppress_backend_output():
        return run, run.model


def data_of(run, given):
    """The data that DATA and --labels name; the run's own where they are left out."""
    own = run.config["data"], run.config["labels"]
    source = given.data or own[0]
    labels = given.labels or (own[1] if source == own[0] else None)
    return run.dataset if (source, labels) == own else run.load(source, labels)


def check_row(run, option, row):
    """Raises ValueError unless the run's data have this row."""
    rows = len(run.dataset.x)
    if row >= rows:
        raise ValueError(
            f"{option} must be a row of the run's data, 0 to {rows - 1}. "
            f"Received: {row}"
        )


def decode_grid(model, z, label):
    """What the points (rows, columns, latent_dim) decode to: (rows, columns, ...)."""
    x_mean = model.decode(z.reshape(-1, z.shape[-1]), label)
    return x_mean.reshape(*z.shape[:-1], *x_mean.shape[1:])


def spread(n, most):
    """At most `most` of n rows, evenly from the first to the last, as an index."""
    import numpy as np

    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


@contextmanager
def results(run, given, what):
    """The folder of a command's files: lists them at the end, or removes them all.

    what: file name -> a word on it.
    """
    from models.runs.run_folder import RunFolder

    folder = RunFolder(given.out, f"{run.path}/{given.command}", given.overwrite)
    try:
        yield folder
    except BaseException:
        folder.discard()
        raise
    lines = [f"  {path.name:21}{what[path.name]}" for path in folder.written]
    print("\n".join([f"Written to {folder.path}:", *lines]))

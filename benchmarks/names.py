"""The argument NAMES of a benchmark: which rows of its table to compute."""

import argparse


def add_names(parser: argparse.ArgumentParser, known) -> None:
    """Adds the positional argument NAMES; without it `args.names` is empty.

    Args:
        parser: the parser of the benchmark.
        known: the names of all rows, an iterable of strings.
    """

    def name(text):
        if text not in known:
            raise argparse.ArgumentTypeError(f"unknown; known: {', '.join(known)}")
        return text

    parser.add_argument(
        "names", nargs="*", type=name, metavar="NAMES", help=", ".join(known)
    )

"""python -m models.explore: a page that shows the latent space of a run.

Click on points and between them, move sliders, go back to earlier rounds. What there is
to see is in `models.explorer`, whose `view` shows it in a notebook.
"""

import argparse
import sys

from models.cli.command import finish
from models.cli.option_types import not_negative
from models.suppress_output import suppress_backend_output


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    """The parser; every option's help is one line with its default."""
    parser = argparse.ArgumentParser(
        prog="python -m models.explore",
        description="Look into the latent space of a run of python -m models.train, in "
        "a browser: its data, what the decoder draws anywhere, its classes and rounds.",
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="a folder of python -m models.train, or its tag")
    add(
        "--address",
        default="127.0.0.1",
        help="where to listen; 0.0.0.0 lets other machines in (default: 127.0.0.1, "
        "this machine only)",
    )
    add(
        "--port",
        type=port,
        default=0,
        metavar="N",
        help="the port to listen on (default: a free one)",
    )
    add(
        "--origin",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="what else a browser may call this page, e.g. behind a proxy; may be "
        "repeated (default: only --address)",
    )
    add(
        "--no-browser",
        action="store_true",
        help="only print the URL (default: open it in a browser)",
    )
    return parser


def port(text):
    number = not_negative(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"expected a port, 0 to 65535, got {text!r}")
    return number


def run(given):
    """Serves until Ctrl-C. ValueError or OSError: what a user can mend."""
    from models.runs.saved_run import Run

    found = Run(given.run)
    with suppress_backend_output():
        from models.explorer import server
        from models.explorer.space import Space

        space = Space(found)
    browser = not given.no_browser
    server.serve(space, given.address, given.port, given.origin, browser)


if __name__ == "__main__":
    sys.exit(main())

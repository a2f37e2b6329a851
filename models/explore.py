"""python -m models.explore: a page that shows the latent space of a run.

Click on points and between them, move sliders, go back to earlier rounds. The page is
in `models.explorer`, whose `show_run` shows it in a notebook.
"""

import argparse
import sys

from models.cli.command import finish
from models.cli.option_types import natural_number
from models.suppress_output import suppress_backend_output


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    """The parser; the help of every option is one line with its default."""
    parser = argparse.ArgumentParser(
        prog="python -m models.explore",
        description="Show the latent space of a run of python -m models.train in a "
        "browser: its data, the decoded image of any point, its classes and rounds.",
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="folder or name of a run of python -m models.train")
    add(
        "--address",
        default="127.0.0.1",
        help="the address to listen on; 0.0.0.0 admits other machines (default: "
        "127.0.0.1, this machine only)",
    )
    add(
        "--port",
        type=parse_port,
        default=0,
        metavar="N",
        help="the port to listen on (default: a free one)",
    )
    add(
        "--origin",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="another address at which browsers see this page, e.g. behind a proxy; "
        "may be repeated (default: only --address)",
    )
    add(
        "--no-browser",
        action="store_true",
        help="only print the URL (default: open it in a browser)",
    )
    return parser


def parse_port(text):
    """The type of --port."""
    number = natural_number(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"expected a port, 0 to 65535, got {text!r}")
    return number


def run(given):
    """Serves the page until Ctrl-C; raises ValueError or OSError for user errors."""
    from models.runs.saved_run import SavedRun

    opened = SavedRun(given.run)
    with suppress_backend_output():
        from models.explorer import server
        from models.explorer.space import LatentSpace

        space = LatentSpace(opened)
    listen = given.address, given.port, given.origin
    server.serve_page(space, *listen, open_browser=not given.no_browser)


if __name__ == "__main__":
    sys.exit(main())

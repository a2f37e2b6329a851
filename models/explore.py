"""python -m models.explore: a page that shows the latent space of a run.

Click on points and between them, move sliders, go back to earlier rounds. The page is
in `models.explorer`, whose `show_run` shows it in a notebook.
"""

import sys
from dataclasses import dataclass
from typing import Annotated, ClassVar

from models.cli import option_types as types
from models.cli.command import Command
from models.suppress_output import suppress_backend_output

port_number = types.number_type(int, "a port, 0 to 65535", lambda n: 0 <= n <= 65535)


@dataclass(kw_only=True)
class Options:
    """Show the latent space of a run of python -m models.train in a browser.

    The page has its data, the decoded image of any point, its classes and rounds.

    Args:
        run: folder or name of a run of python -m models.train.
        address: the address to listen on; 0.0.0.0 admits other machines, 127.0.0.1
            only this one.
        port: the port to listen on (default: a free one).
        origin: another address at which browsers see this page, such as that of a
            proxy; may be repeated (default: only --address).
        no_browser: only print the URL (default: open it in a browser).
    """

    positional: ClassVar = ("run",)
    run: types.RunName
    address: str = "127.0.0.1"
    port: Annotated[int, types.Word("N", port_number)] | None = None
    origin: tuple[Annotated[str, types.Word("HOST:PORT")], ...] = ()
    no_browser: bool = False


def run(given):
    """Serves the page until Ctrl-C; raises ValueError or OSError for user errors."""
    from models.runs.saved_run import SavedRun

    opened = SavedRun(given.run)
    with suppress_backend_output():
        from models.explorer import server
        from models.explorer.space import LatentSpace

        space = LatentSpace(opened)
    listen = given.address, given.port or 0, given.origin
    server.serve_page(space, *listen, open_browser=not given.no_browser)


main = Command("explore", Options, run)

if __name__ == "__main__":
    sys.exit(main())

"""Serves the page: where it listens, who may talk to it, and how it ends."""

import socket
import webbrowser

import panel as pn

from models.explorer.page import Page
from models.explorer.text import title

EVERYWHERE = "0.0.0.0"
LOCAL = ("127.0.0.1", "localhost")
LOST = "No connection: has python -m models.explore been stopped?"
BODY = "body { background: #f5f6f8; font-family: system-ui, sans-serif }"


def serve(space, address, port, origins, browser):
    """Serves the page of this space until Ctrl-C; every tab is a `Page` of its own.

    address, port: where to listen; port 0 takes a free one.
    origins: further hosts, with ports, under which browsers know this page.
    browser: whether to open one.

    Raises ValueError or OSError, with a sentence, where it cannot listen.
    """
    port = free_port(address, port)
    pn.extension(notifications=True, disconnect_notification=LOST, raw_css=[BODY])
    server = pn.io.server.get_server(
        lambda: Page(space).layout,
        port,
        address,
        [*(f"{name}:{port}" for name in own_names(address)), *origins],
        title=title(space.run),
        warm=True,  # compiles the decoder before the first tab waits for it
    )
    url = f"http://{LOCAL[0] if address == EVERYWHERE else address}:{port}/"
    print(f"{url}\nCtrl-C ends it.", flush=True)
    if browser:
        webbrowser.open(url)
    server.start()
    server.io_loop.start()  # until Ctrl-C, which Panel catches
    server.stop()
    print("\nStopped.")


def free_port(address, port):
    """The port, or a free one for 0; an OSError with a sentence if there is none."""
    if ":" in address:
        raise ValueError(f"--address must be a name or like 127.0.0.1, got {address!r}")
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, port))
            return trial.getsockname()[1]
    except OSError as error:
        raise OSError(
            f"--address {address} --port {port} cannot be listened on: "
            f"{error.strerror or error}"
        ) from None


def own_names(address):
    """The hosts a browser may have in its address bar: others may not connect."""
    if address != EVERYWHERE:
        return sorted({address, *LOCAL} if address in LOCAL else {address})
    host = socket.gethostname()
    try:
        addresses = socket.gethostbyname_ex(host)[2]
    except OSError:
        addresses = []
    return sorted({host, socket.getfqdn(), *addresses, *LOCAL})

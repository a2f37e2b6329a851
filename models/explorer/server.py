"""Serves the page: its address, who may connect, and how it ends."""

import socket
import webbrowser

import panel as pn

from models.explorer.page import Page

ALL_INTERFACES = "0.0.0.0"
LOCAL = ("127.0.0.1", "localhost")
DISCONNECTED = "No connection: has python -m models.explore been stopped?"
BODY = "body { background: #f5f6f8; font-family: system-ui, sans-serif }"


def serve_page(space, address, port, origins, open_browser) -> None:
    """Serves the page of a `LatentSpace` until Ctrl-C; every tab has its own `Page`.

    The other arguments are the options of `python -m models.explore`.

    Raises:
        ValueError: if the address is wrong.
        OSError: if it cannot listen there.
    """
    port = find_free_port(address, port)
    hosts = [f"{name}:{port}" for name in allowed_hosts(address)]
    notify = {"notifications": True, "disconnect_notification": DISCONNECTED}
    pn.extension(raw_css=[BODY], **notify)
    server = pn.io.server.get_server(
        lambda: Page(space).layout,
        port,
        address,
        hosts + origins,
        title=space.title,
        warm=True,  # compiles the decoder before the first tab needs it
    )
    host = LOCAL[0] if address == ALL_INTERFACES else address
    print(f"http://{host}:{port}/\nPress Ctrl-C to stop.", flush=True)
    if open_browser:
        webbrowser.open(f"http://{host}:{port}/")
    server.start()
    server.io_loop.start()  # until Ctrl-C, which Panel catches
    server.stop()
    print("\nStopped.")


def find_free_port(address: str, port: int) -> int:
    """The port, or a free one for 0; OSError if it cannot be used."""
    if ":" in address:
        raise ValueError(f"--address must be a name or like 127.0.0.1, got {address!r}")
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, port))
            return trial.getsockname()[1]
    except OSError as error:
        raise OSError(
            f"cannot listen on --address {address} --port {port}: "
            f"{error.strerror or error}"
        ) from None


def allowed_hosts(address: str) -> list[str]:
    """The hosts that a browser may have in its address bar; others may not connect."""
    if address != ALL_INTERFACES:
        return sorted({address, *LOCAL} if address in LOCAL else {address})
    host = socket.gethostname()
    try:
        addresses = socket.gethostbyname_ex(host)[2]
    except OSError:
        addresses = []
    return sorted({host, socket.getfqdn(), *addresses, *LOCAL})

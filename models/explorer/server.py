"""Serves the page: its address, who may connect, and how it ends."""

import socket
import webbrowser

import panel as pn
from bokeh.server.util import check_allowlist
from tornado.routing import Matcher, Rule
from tornado.web import ErrorHandler

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
    notify = {"notifications": True, "disconnect_notification": DISCONNECTED}
    pn.extension(raw_css=[BODY], **notify)
    settings = {"title": space.title, "warm": True}  # compiles the decoder first
    server = make_server(lambda: Page(space).layout, address, port, origins, **settings)
    host = LOCAL[0] if address == ALL_INTERFACES else address
    print(f"http://{host}:{port}/\nPress Ctrl-C to stop.", flush=True)
    if open_browser:
        webbrowser.open(f"http://{host}:{port}/")
    server.start()
    server.io_loop.start()  # until Ctrl-C, which Panel catches
    server.stop()
    print("\nStopped.")


class OtherHost(Matcher):
    """Matches requests to hosts that are not served.

    A page of a name whose address becomes this machine's has this server as its own
    origin, which Tornado accepts; only the name in `Host` is then foreign.
    """

    def __init__(self, hosts: set[str]):
        self.hosts = hosts

    def match(self, request):
        """Tornado's: `None` for a request that goes on to the page."""
        return None if check_allowlist(request.host.lower(), self.hosts) else {}


def make_server(layout, address: str, port: int, origins: list[str], **settings):
    """A Panel server of `layout()`, which refuses every other host and origin."""
    hosts = [*(f"{name}:{port}" for name in allowed_hosts(address)), *origins]
    hosts = [host.lower() for host in hosts]  # as browsers send them
    server = pn.io.server.get_server(layout, port, address, hosts, **settings)
    others = OtherHost(server._tornado.websocket_origins)
    refusal = Rule(others, ErrorHandler, {"status_code": 403})
    server._tornado.default_router.rules.insert(0, refusal)
    return server


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

"""Which requests the server of the page answers."""

import http.client
import threading

import panel
import pytest

from models.explorer.server import find_free_port, make_server

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455
WEBSOCKET = {"Upgrade": "websocket", "Connection": "Upgrade"}
WEBSOCKET |= {"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}


@pytest.fixture(scope="module")
def port():
    """The port of a page that runs in a thread."""
    port = find_free_port("127.0.0.1", 0)
    page = panel.pane.HTML("page")
    server = make_server(lambda: page, "127.0.0.1", port, ["Proxy.example"])
    server.start()
    thread = threading.Thread(target=server.io_loop.start)
    thread.start()
    yield port
    server.io_loop.add_callback(server.io_loop.stop)
    thread.join()
    server.stop()


def status(port, host, path="/", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": host, **headers})
    found = connection.getresponse().status
    connection.close()
    return found


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "LOCALHOST:{}", "proxy.example"])
def test_the_page_is_served_under_its_names(port, host):
    assert status(port, host.format(port)) == 200


@pytest.mark.parametrize(
    "host", ["rebound.example:{}", "127.0.0.1:1", "proxy.example:{}"]
)
def test_another_host_is_refused_though_its_origin_is_the_same(port, host):
    """As after DNS rebinding: the page and its websocket have one foreign name."""
    host = host.format(port)
    headers = WEBSOCKET | {"Origin": f"http://{host}"}
    assert status(port, host) == status(port, host, "/ws", **headers) == 403

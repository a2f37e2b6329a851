"""The page in a real browser: clicking, dragging and choosing changes what is shown."""

import contextlib
import http.client
import re
import signal
from urllib.parse import urlsplit

import numpy as np
import pytest

from models.explorer.server import DISCONNECTED
from tests.explorer import browser as tools

pytest.importorskip("playwright", reason="no Playwright: pip install playwright")
pytestmark = pytest.mark.skipif(
    tools.executable() is None, reason="no Chromium: apt-get install chromium"
)
RANGES = """() => {
  const models = [...Bokeh.documents[0].all_models];
  const { x_range, y_range } = models.find((model) => model.type == "Figure");
  return [[x_range.start, y_range.start], [x_range.end, y_range.end]];
}"""


@pytest.fixture(scope="module")
def space(space_of):
    return space_of("serket")


@pytest.fixture(scope="module")
def renderer(space):
    return space.renderer


@pytest.fixture(scope="module")
def server(run_of):
    with tools.served(run_of("serket")) as server:
        yield server


@pytest.fixture(scope="module")
def chromium():
    with tools.chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium, server):
    """A new tab; it must report no error, and make no request to another host."""
    with checked_tab(chromium, server.url) as page:
        yield page


@contextlib.contextmanager
def checked_tab(chromium, url):
    page = tools.open_tab(chromium, url)
    yield page
    page.close()
    assert page.errors == []
    remote = [url for url in page.requests if url.startswith(("http", "ws"))]
    assert {urlsplit(each).netloc for each in remote} == {urlsplit(url).netloc}


def on_screen(page, point):
    """The position of a point of the plane, as shares of the width and height."""
    low, high = np.array(page.evaluate(RANGES))
    return (np.asarray(point) - low) / (high - low)


def select_isolated(page, space, number=2):
    """Clicks on the example farthest from all others; returns its row."""
    points = space.points[number]
    inside = np.all(
        (points > np.quantile(points, 0.1, 0)) & (points < np.quantile(points, 0.9, 0)),
        axis=1,
    )
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    example = int(np.where(inside, distances.min(axis=1), 0).argmax())
    page.mouse.click(*tools.spot(page, *on_screen(page, points[example])))
    wait_for_example(page, example)
    return example


def wait_for_example(page, example):
    page.get_by_role("heading", name=f"Example {example} label").wait_for()


def caption(page):
    """The caption of the decoded image."""
    return page.locator(".decoded figcaption").inner_text()


def source(picture):
    """The data URL of an <img>."""
    return re.search(r'src="([^"]+)"', picture)[1]


def decoded_image(page):
    return page.locator(".decoded img").get_attribute("src")


def wait_for_change(page, before):
    """Waits until the decoded image changes; returns it."""
    page.wait_for_function(
        "before => deep('.decoded').shadowRoot.querySelector('img').src != before",
        arg=before,
    )
    return decoded_image(page)


def test_the_page_opens_with_the_run_and_help(page, space, renderer):
    assert page.title() == "serket"
    facts = page.locator(".header li").all_inner_texts()
    assert facts[1:] == ["digits, 200 rows of 8 × 8", "3 latent dimensions", "2 rounds"]
    page.get_by_text("No example selected").wait_for()
    mean = space.latents[2].z.mean(axis=0)
    expected = renderer.render(space.decode(mean[None], 2)[0])
    assert decoded_image(page) == source(expected)
    assert page.locator(".slider").count() == 3
    for width in (1280, 420):  # nothing is wider than the window
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            "width => document.documentElement.scrollWidth <= width", arg=width
        )


def test_a_click_on_a_point_shows_example_reconstruction_and_neighbours(
    page, space, renderer
):
    example = select_isolated(page, space)
    shown = [img.get_attribute("src") for img in page.locator(".example img").all()]
    z_mean = space.latents[2].z[[example]]
    expected = [space.data.x[example], space.decode(z_mean, 2)[0]]
    assert shown == [source(renderer.render(x)) for x in expected]
    near, _ = space.latents[2].nearest(example)
    thumbnails = page.locator(".card", has_text="Nearest").locator("button img")
    expected = [source(renderer.render(space.data.x[i])) for i in near]
    assert [tile.get_attribute("src") for tile in thumbnails.all()] == expected
    thumbnails.nth(1).click()  # selects the neighbour
    wait_for_example(page, near[1])


def test_a_click_on_an_empty_place_decodes_it(page):
    before = decoded_image(page)
    page.mouse.click(*tools.spot(page, 0.02, 0.97))
    wait_for_change(page, before)
    assert "the clicked point" in caption(page)
    assert page.get_by_text("No example selected").is_visible()
    again = decoded_image(page)
    page.mouse.click(*tools.spot(page, 0.97, 0.03))
    wait_for_change(page, again)


def test_tabs_are_independent(page, chromium, server, space):
    other = tools.open_tab(chromium, server.url.replace("127.0.0.1", "localhost"))
    before = decoded_image(other)
    select_isolated(page, space)
    page.locator(".control .noUi-handle").press("ArrowLeft")
    page.get_by_text("Round: 1").wait_for()
    other.mouse.click(*tools.spot(other, 0.02, 0.97))
    assert wait_for_change(other, before) != decoded_image(page)
    assert other.get_by_text("No example selected").is_visible()
    assert other.get_by_text("Round: 2").is_visible()
    other.close()
    assert other.errors == []


def test_a_round_shows_its_points_and_classes_and_a_click_on_a_class_its_mean(
    page, space, renderer
):
    scatter = page.locator(".bk-Canvas").first
    pixels = scatter.screenshot()
    page.locator(".control .noUi-handle").press("ArrowLeft")
    page.get_by_text("Round: 1").wait_for()
    means = space.latents[1].class_means
    thumbnails = page.locator(".card", has_text="Class means").locator("button")
    expected = [source(renderer.render(x)) for x in space.decode(means, 1)]
    page.wait_for_function(
        "src => deep('.thumbnails img').src == src",
        arg=expected[0],
    )
    shown = [tile.locator("img").get_attribute("src") for tile in thumbnails.all()]
    assert shown == expected
    assert scatter.screenshot() != pixels
    thumbnails.nth(3).click()
    page.get_by_text("the mean of class 3").wait_for()
    assert decoded_image(page) == source(
        renderer.render(space.decode(means[[3]], 1)[0])
    )
    title = page.locator(".slider .bk-slider-title").nth(1).inner_text()
    assert float(title.split(":")[1]) == pytest.approx(means[3, 1], abs=0.006)


class TestOneTab:
    """Tests that do not depend on what was clicked before."""

    @pytest.fixture(scope="class")
    def page(self, chromium, server):
        with checked_tab(chromium, server.url) as page:
            yield page

    def test_the_decoded_image_follows_a_slider_while_it_moves(self, page):
        before, picture = decoded_image(page), page.locator(".decoded img")
        pixels = picture.screenshot()
        handle = page.locator(".slider .noUi-handle").first.bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for step in (20, 40):  # the button of the mouse stays down
            page.mouse.move(x + step, y)
            before = wait_for_change(page, before)
        assert picture.screenshot() != pixels
        page.mouse.up()
        assert "the mean of all data, moved" in caption(page)
        title = page.locator(".slider .bk-slider-title").first.inner_text()
        assert float(title.split(":")[1]) > 0.1

    def test_the_scatter_plot_is_coloured_by_label_or_class(self, page):
        legend, scatter = page.locator(".legend em"), page.locator(".bk-Canvas").first
        assert legend.first.inner_text() == "label"
        pixels = scatter.screenshot()
        page.get_by_role("button", name="class", exact=True).click()
        legend.first.get_by_text("class").wait_for()
        assert scatter.screenshot() != pixels

    def test_the_wheel_zooms_and_a_button_resets(self, page):
        wide = np.array(page.evaluate(RANGES))
        page.mouse.move(*tools.spot(page, 0.5, 0.5))
        page.mouse.wheel(0, -300)
        zoomed = f"before => ({RANGES})()[1][0] < before"
        page.wait_for_function(zoomed, arg=wide[1, 0])
        page.get_by_title("Reset").click()
        page.wait_for_function(
            f"before => ({RANGES})()[1][0] >= before", arg=wide[1, 0]
        )


def test_pages_of_other_hosts_cannot_connect(server):
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Origin": "http://elsewhere.example",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    connection.request("GET", "/ws", headers=headers)
    assert connection.getresponse().status == 403
    connection.close()


def test_ctrl_c_stops_it_and_tabs_report_it(chromium, server):
    page = tools.open_tab(chromium, server.url)
    server.send_signal(signal.SIGINT)
    page.get_by_text(DISCONNECTED).first.wait_for()
    page.close()
    out, err = server.communicate(timeout=20)
    assert server.returncode == 0 and out.endswith("Stopped.\n")
    assert "Traceback" not in err

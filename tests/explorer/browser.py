"""A served page and a headless browser, for the tests and the benchmark."""

import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()
DEEP = """(css, root = document) => {
  for (const element of root.querySelectorAll("*")) {
    if (element.matches(css)) return element;
    const found = element.shadowRoot && window.deep(css, element.shadowRoot);
    if (found) return found;
  }
}"""


def executable():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def served(run, *options):
    """Yields the running command, with its `url`, and stops it at the end."""
    command = [sys.executable, "-m", "models.explore", str(run), "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, *options], cwd=ROOT, **pipes)
    try:
        process.url = process.stdout.readline().strip()
        if not process.url:
            raise RuntimeError(process.stderr.read())
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def chromium():
    """Yields a headless browser; `open_tab` opens pages in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def open_tab(browser, url, width=1280, height=800):
    """A new tab that records its `requests` and `errors`.

    In its JavaScript `deep(css)` finds an element in any shadow root.
    """
    page = browser.new_page(viewport={"width": width, "height": height})
    page.requests, page.errors = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("websocket", lambda socket: page.requests.append(socket.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda m: m.type == "error" and page.errors.append(m.text))
    page.add_init_script(f"window.deep = {DEEP}")
    page.goto(url)
    page.locator(".decoded figure").wait_for()
    return page


def spot(page, across, up):
    """The screen position of a point of the scatter plot; (0, 0) is its lower left."""
    box = page.locator(".bk-CartesianFrame").bounding_box()
    return box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]

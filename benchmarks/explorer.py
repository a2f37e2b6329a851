"""Response times of the page of `models.explore`, in a headless browser.

    python benchmarks/explorer.py RUN

Milliseconds: `load`, from the request to the first decoded image, in a new tab each
time; `slider`, from a movement of the pointer to the new image, decoded and painted,
while the slider is dragged; `click`, the same on the scatter plot. Measured in the page
itself. Needs Chromium and `pip install playwright`. Other load on the machine counts.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.explorer.browser import chromium, open_tab, served, spot  # noqa: E402

# Notes the time of an event of the pointer, and when the picture has changed after it.
STOPWATCH = """(event) => {
  const decoded = deep(".decoded").shadowRoot;
  let began = null;
  window.times = [];
  document.addEventListener(event, () => { began ??= performance.now(); }, true);
  new MutationObserver(async () => {
    const since = began;
    if (since === null) return;
    began = null;
    await decoded.querySelector("img")?.decode().catch(() => {});
    requestAnimationFrame(() => times.push(performance.now() - since));
  }).observe(decoded, { childList: true, subtree: true });
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN", help="folder or name of a run")
    parser.add_argument("--moves", type=int, default=100, help="(default: 100)")
    parser.add_argument("--loads", type=int, default=5, help="(default: 5)")
    given = parser.parse_args()
    with served(given.run) as server, chromium() as browser:
        loads = [load(browser, server.url) for _ in range(given.loads)]
        slider = drag(open_tab(browser, server.url), given.moves)
        clicks = click(open_tab(browser, server.url), given.moves)
    print(f"{'ms':8}{'median':>8}{'quartiles':>16}{'max':>8}")
    for name, times in (("load", loads), ("slider", slider), ("click", clicks)):
        low, median, high = np.quantile(times, (0.25, 0.5, 0.75))
        quartiles = f"{low:.0f} .. {high:.0f}"
        print(f"{name:8}{median:8.0f}{quartiles:>16}{max(times):8.0f}")


def load(browser, url):
    """Milliseconds until a new tab shows its first decoded image."""
    started = time.perf_counter()
    page = open_tab(browser, url)
    page.evaluate("new Promise(requestAnimationFrame)")
    seconds = time.perf_counter() - started
    page.close()
    return 1000 * seconds


def drag(page, moves):
    """Milliseconds from each move of the first slider to its picture."""
    handle, track = (
        page.locator(f".slider .noUi-{part}").first.bounding_box()
        for part in ("handle", "base")
    )
    y = handle["y"] + handle["height"] / 2
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    page.evaluate(STOPWATCH, "pointermove")
    shares = 0.1 + 0.03 * np.arange(1, moves + 1) % 0.8
    for count, share in enumerate(shares, 1):
        page.mouse.move(track["x"] + share * track["width"], y)
        page.wait_for_function("count => times.length >= count", arg=count)
    page.mouse.up()
    return page.evaluate("times")


def click(page, clicks):
    """Milliseconds from each click on the scatter to its picture."""
    page.evaluate(STOPWATCH, "pointerup")
    rng = np.random.default_rng(0)
    for count, place in enumerate(rng.uniform(0.2, 0.8, (clicks, 2)), 1):
        page.mouse.click(*spot(page, *place))
        page.wait_for_function("count => times.length >= count", arg=count)
    return page.evaluate("times")


if __name__ == "__main__":
    main()

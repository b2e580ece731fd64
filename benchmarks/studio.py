"""Measure the studio in headless Chromium: its start, a photo of 12 megapixels, clicks on it, and many photos.

    python benchmarks/studio.py [--clicks N] [--photos N]

Printed are the seconds from the command to a page that can be used; from choosing a photo to its colours; from each
of N clicks on it, which mark a place, to the changed canvas; and how much the memory of the server has grown after N
photos of 12 megapixels were shown one after another. Clicks are timed inside the page, from the pointer's event to
the frame after the one with the new colours; the other times include the driver of the browser.
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect, sync_playwright
from skimage import data

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from studio_server import StudioServer

SIZE = 4000, 3000
_WARM = 10
_TIMER = """
let pressed = 0;
window.waited = [];
addEventListener("pointerdown", (event) => { pressed = event.timeStamp; }, true);
new MutationObserver(() => {
    const from = pressed;
    requestAnimationFrame(() => requestAnimationFrame((now) => waited.push(now - from)));
}).observe(document, { subtree: true, attributeFilter: ["data-shown"] });
"""
"""Collects the milliseconds from each press of the pointer to the frame after its colours were drawn."""


def large_photo(number: int = 0) -> bytes:
    """A photo of 12 megapixels as JPEG; each number gives another."""
    photo = Image.fromarray(data.coffee()).convert("L").resize(SIZE, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    Image.fromarray(np.roll(np.asarray(photo), 7 * number, axis=1)).save(file, "JPEG", quality=90)
    return file.getvalue()


def wait_for_marks(page: Page, count: int) -> None:
    """Wait until the canvas shows so many marks."""
    expect(page.locator(f'body[data-shown="{count}"]')).to_be_attached(timeout=60_000)


def clicks(page: Page, count: int) -> list[float]:
    """The milliseconds from each click to the changed canvas."""
    box = page.locator("#canvas").bounding_box()
    assert box
    page.evaluate("waited.length = 0")
    across = int(np.ceil(count**0.5))
    for number in range(count):
        column, row = number % across, number // across
        x = box["x"] + box["width"] * (0.2 + 0.6 * column / across)
        y = box["y"] + box["height"] * (0.1 + 0.8 * row / across)
        page.mouse.click(x, y)
        wait_for_marks(page, number + 1)
    page.wait_for_timeout(100)
    waited: list[float] = page.evaluate("waited")
    assert len(waited) == count
    return waited


def grown(page: Page, server: psutil.Process, photos: int) -> float:
    """How many MB the server's memory has grown by, from the tenth of some photos to the last."""
    before = 0
    for number in range(photos):
        if number == _WARM:
            before = server.memory_info().rss
        page.locator("#next").click()
        expect(page.locator("#status")).to_contain_text(f"{number + 1:04}.jpg: ", timeout=60_000)
    return (server.memory_info().rss - before) / 1e6


def main(options: argparse.Namespace) -> None:
    """Print the figures."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(_TIMER)
        started = time.perf_counter()
        with StudioServer() as studio:
            page.goto(studio.address)
            expect(page.locator("#method option").first).to_be_attached(timeout=60_000)
            print(f"first page: {time.perf_counter() - started:.2f} s", flush=True)
            photo: FilePayload = {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": large_photo()}
            started = time.perf_counter()
            page.locator("#files").set_input_files([photo])
            wait_for_marks(page, 0)
            print(f"a photo of 12 megapixels: {time.perf_counter() - started:.2f} s", flush=True)
            found = np.array(clicks(page, options.clicks))
            print(
                f"{options.clicks} clicks on it: median {np.median(found):.0f} ms, "
                f"95th percentile {np.quantile(found, 0.95):.0f} ms",
                flush=True,
            )
        for number in range(options.photos + 1):
            Path(folder, f"{number:04}.jpg").write_bytes(large_photo(number))
        with StudioServer(folder) as studio:
            page.goto(studio.address)
            wait_for_marks(page, 0)
            more = grown(page, psutil.Process(studio.process.pid), options.photos)
            print(f"{options.photos} photos of 12 megapixels: {more:+.0f} MB", flush=True)
        chromium.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=200)
    parser.add_argument("--photos", type=int, default=500)
    main(parser.parse_args())

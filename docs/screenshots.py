"""Pictures of the studio's page, taken in Chromium: for the documentation when it is built, and for the README.

python docs/screenshots.py docs/figures/studio.gif
"""

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright
from skimage import data

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
from studio_server import StudioServer

MARKS = (
    (330, 350, "#c8641e"),
    (120, 390, "#c8641e"),
    (15, 40, "#2b3a6b"),
    (30, 240, "#9c2f33"),
    (105, 110, "#9aa3b0"),
    (400, 60, "#a0a0a0"),
    (225, 120, "#d59f80"),
)
"""Places in the photo of the astronaut, x and y, and their colours."""

SHOWN = 1, 3, len(MARKS)
"""After how many marks the animated picture shows the page."""


def write_screenshots(folder: Path) -> None:
    """Write `studio.png` and `studio-narrow.png`."""
    with _studio() as (chromium, address):
        for name, width, height in (("studio", 1280, 860), ("studio-narrow", 420, 900)):
            page = _opened(chromium, address, width, height)
            for number, (x, y, color) in enumerate(MARKS, 1):
                _mark(page, number, x, y, color)
            expect(page.locator("#likely button").nth(2)).to_be_attached()
            page.screenshot(path=folder / f"{name}.png")
            page.context.close()


def write_steps(file: Path) -> None:
    """Write an animated picture: the photo as it is opened, and after some marks."""
    frames = []
    with _studio() as (chromium, address):
        page = _opened(chromium, address, 1120, 760)
        frames.append(page.screenshot())
        for number, (x, y, color) in enumerate(MARKS, 1):
            _mark(page, number, x, y, color)
            if number in SHOWN:
                frames.append(page.screenshot())
    first, *others = [
        Image.open(io.BytesIO(frame)).convert("RGB").resize((840, 570), Image.Resampling.LANCZOS) for frame in frames
    ]
    first.save(
        file, save_all=True, append_images=others, duration=[1500] + [900] * (len(others) - 1) + [3000], loop=0
    )


@contextlib.contextmanager
def _studio() -> Iterator[tuple[Browser, str]]:
    """A browser, and the address of a studio."""
    with sync_playwright() as playwright, StudioServer() as studio:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium, studio.address
        chromium.close()


def _opened(chromium: Browser, address: str, width: int, height: int) -> Page:
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).convert("L").save(file, "PNG")
    photo: FilePayload = {"name": "astronaut.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page = chromium.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(address)
    page.locator("#files").set_input_files([photo])
    expect(page.locator('body[data-shown="0"]')).to_be_attached(timeout=60_000)
    return page


def _mark(page: Page, number: int, x: int, y: int, color: str) -> None:
    box = page.locator("#canvas").bounding_box()
    assert box
    scale = min(box["width"], box["height"]) / 512
    left, top = ((box[side] - 512 * scale) / 2 for side in ("width", "height"))
    page.mouse.click(box["x"] + left + x * scale, box["y"] + top + y * scale)
    expect(page.locator(f'body[data-shown="{number}"]')).to_be_attached(timeout=60_000)
    page.locator("#hex").fill(color)
    page.locator("#hex").press("Enter")
    page.wait_for_timeout(500)
    page.evaluate("scrollTo(0, 0)")


if __name__ == "__main__":
    write_steps(Path(sys.argv[1]))

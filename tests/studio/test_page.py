"""The studio's page in a real browser, Chromium, with a real server."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Download, FileChooser, Page, expect, sync_playwright
from skimage import data
from studio_server import StudioServer

import colorfuse as cf

pytestmark = pytest.mark.slow

COFFEE = Image.fromarray(data.coffee()).resize((300, 200))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


GRAY = encoded(COFFEE.convert("L"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def studio() -> Iterator[StudioServer]:
    with StudioServer() as running:
        yield running
        assert running.stop() == ""


class Visitor:
    """Someone at the page, as far as a hand and an eye go."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._is_to_the_studio)
        # From the start, since Chromium would open its own chooser until it knows that someone waits for it.
        self.choosers: list[FileChooser] = []
        page.on("filechooser", lambda chooser: self.choosers.append(chooser))
        page.goto(address)
        expect(page.locator("#method option").first).to_be_attached(timeout=60_000)

    def _is_to_the_studio(self, request: Any) -> None:
        if not re.match(r"(http://127\.0\.0\.1:|blob:http://127\.0\.0\.1:|data:)", request.url):
            self.problems.append(f"a request to {request.url}")

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds, for a minute at most."""
        for _ in range(600):
            if holds():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("it does not hold after a minute")

    def pick(self, picked: Any) -> None:
        """Pick a file in the chooser that is open."""
        self.until(lambda: self.choosers)
        self.choosers.pop().set_files([picked])

    def open(self, *files: Any) -> None:
        self.page.locator("#files").set_input_files([*files])
        expect(self.page.locator("#status")).to_contain_text(re.compile(r"bits|without"), timeout=60_000)

    def click(self, column: float, row: float, **options: Any) -> None:
        """Click at a place, as shares of the canvas."""
        box = self.page.locator("#canvas").bounding_box()
        assert box
        self.page.mouse.click(box["x"] + column * box["width"], box["y"] + row * box["height"], **options)

    def drag(self, *places: tuple[float, float], button: Any = "left") -> None:
        box = self.page.locator("#canvas").bounding_box()
        assert box
        at = [(box["x"] + column * box["width"], box["y"] + row * box["height"]) for column, row in places]
        self.page.mouse.move(*at[0])
        self.page.mouse.down(button=button)
        for place in at[1:]:
            self.page.mouse.move(*place, steps=8)
        self.page.mouse.up(button=button)

    def marks(self, count: int) -> None:
        """Wait until the photo shows so many marks."""
        expect(self.page.locator(f'body[data-shown="{count}"]')).to_be_attached(timeout=30_000)

    def pixels(self) -> NDArray[np.int_]:
        shown = Image.open(io.BytesIO(self.page.locator("#canvas").screenshot())).convert("RGB")
        return np.asarray(shown).astype(int)

    def says(self, text: str) -> None:
        expect(self.page.locator("#status")).to_contain_text(text, timeout=60_000)

    def state(self) -> Any:
        """What is kept of the photo, in the browser's storage."""
        kept = self.page.context.storage_state()["origins"][0]["localStorage"]
        found = [json.loads(each["value"]) for each in kept if each["name"].startswith("colorfuse-marks:")]
        return found[0] if found else None

    def downloaded(self, act: Callable[[], None]) -> tuple[str, bytes]:
        with self.page.expect_download(timeout=120_000) as caught:
            act()
        download: Download = caught.value
        return download.suggested_filename, Path(download.path()).read_bytes()

    def choose(self, color: str) -> None:
        self.page.locator("#hex").fill(color)
        self.page.locator("#hex").press("Enter")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    visitors: list[Visitor] = []

    def visitor(studio: StudioServer, **options: Any) -> Visitor:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        visitors.append(Visitor(context.new_page(), studio.address))
        return visitors[-1]

    yield visitor
    for each in visitors:
        assert each.problems == []
        each.page.context.close()


def around(pixels: NDArray[Any]) -> NDArray[Any]:
    """The pixels of the canvas that a mark in the middle does not cover."""
    height, width = pixels.shape[:2]
    rows, columns = np.indices((height, width))
    outside: NDArray[Any] = pixels[np.hypot(rows - height / 2, columns - width / 2) > 40]
    return outside


def test_a_newcomer_colours_a_photo_by_pointer(
    studio: StudioServer, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = visit(studio)
    page = visitor.page
    expect(page.locator("#welcome")).to_be_visible()
    page.get_by_role("button", name="Open a photo…").click()
    visitor.pick(file("cup.png", GRAY))
    visitor.says("cup.png: 300 × 200, gray, 8 bits")
    expect(page.locator("#welcome")).to_be_hidden()
    before = around(visitor.pixels())

    visitor.click(0.5, 0.5)
    visitor.marks(1)
    expect(page.locator("#of")).to_have_text("this point")
    offered = page.locator("#likely button")
    expect(offered.first).to_have_attribute("title", re.compile(r"^#[0-9a-f]{6}, \d+ %$"))
    color = str(offered.nth(1).get_attribute("data-color"))
    offered.nth(1).click()
    visitor.until(lambda: visitor.state()["marks"][0]["color"] == color)
    visitor.choose("#c02020")
    visitor.until(lambda: abs(around(visitor.pixels()) - before).max() > 25)
    page.locator("#saturation").fill("1.3")

    name, content = visitor.downloaded(lambda: page.get_by_role("button", name="Save", exact=True).click())
    assert name == "cup-colored.png"
    marked, hints = visitor.downloaded(lambda: page.get_by_role("button", name="Save marks").click())
    assert marked == "cup.png.json"
    (tmp_path / "cup.png").write_bytes(GRAY)
    (tmp_path / "cup.json").write_bytes(hints)
    colorfuse = str(Path(sys.executable).with_name("colorfuse"))
    options = [
        "--model",
        "interactive",
        "--saturation",
        "1.3",
        "--device",
        "cpu",
        "--hints",
        str(tmp_path / "cup.json"),
    ]
    command = [colorfuse, "colorize", str(tmp_path / "cup.png"), "-o", str(tmp_path / "out.png"), *options]
    subprocess.run(command, check=True)
    assert content == (tmp_path / "out.png").read_bytes()

    page.get_by_role("button", name="Delete all").click()
    visitor.marks(0)
    page.locator("#files").set_input_files([file("cup.json", hints)])
    visitor.marks(1)
    assert visitor.state()["marks"][0]["color"] == "#c02020"


def test_a_newcomer_colours_a_photo_by_keyboard(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    page = visitor.page
    page.keyboard.press("Tab")
    expect(page.locator("#open")).to_be_focused()
    page.keyboard.press("Enter")
    visitor.pick(file("cup.png", GRAY))
    visitor.says("cup.png:")
    for _ in range(50):
        page.keyboard.press("Tab")
        if page.locator("canvas:focus").count():
            break
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator("#likely button").first).to_be_attached()
    page.keyboard.press("Enter")
    visitor.marks(1)
    expect(page.locator("#likely button").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    place = visitor.state()["marks"][0]
    assert place["x"] < 150
    assert place["y"] < 99
    page.keyboard.press("Escape")
    expect(page.locator("#canvas")).to_be_focused()
    page.keyboard.press("Enter")  # on the mark, which it takes up
    page.keyboard.press("Escape")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    visitor.marks(2)
    page.keyboard.press("Delete")
    visitor.marks(1)
    page.keyboard.press("Control+z")
    visitor.marks(2)
    page.keyboard.press("Control+Shift+z")
    visitor.marks(1)
    page.locator("#save").focus()
    name, content = visitor.downloaded(lambda: page.keyboard.press("Enter"))
    assert name == "cup-colored.png"
    assert Image.open(io.BytesIO(content)).size == (300, 200)


def test_everything_is_undone_and_redone(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    marks = json.dumps(
        {"hints": [{"x": 3, "y": 4, "color": "olive"}, {"path": [[1, 2], [9, 9]], "color": [1, 2, 3], "radius": 2}]}
    )

    def stroke() -> None:
        page.get_by_label("Strokes").check()
        visitor.drag((0.3, 0.6), (0.4, 0.62), (0.5, 0.6))
        page.get_by_label("Points").check()

    acts: list[Callable[[], Any]] = [
        lambda: visitor.click(0.5, 0.5),
        lambda: visitor.choose("#336699"),
        lambda: visitor.drag((0.5, 0.5), (0.55, 0.45)),
        stroke,
        lambda: page.get_by_role("button", name="Stay gray").click(),
        lambda: page.locator("#width").fill("20"),
        lambda: page.locator("#palette button").first.click(),
        lambda: page.locator("#last button").last.click(),
        lambda: page.locator("#picker").fill("#00ff00"),
        lambda: page.locator("#saturation").fill("0.5"),
        lambda: page.locator("#method").select_option("levin2004"),
        lambda: page.get_by_role("button", name="Delete this mark").click(),
        lambda: page.locator("#files").set_input_files([file("a.json", marks.encode())]),
        lambda: page.get_by_role("button", name="Delete all").click(),
    ]
    states: list[Any] = [{"marks": [], "saturation": 1, "method": "fusion", "reference": None}]
    for number, act in enumerate(acts):
        act()
        for _ in range(50):
            if visitor.state() not in (None, states[-1]):
                break
            page.wait_for_timeout(50)
        states.append(visitor.state())
        assert states[-1] != states[-2], f"act {number} changed nothing"
    for state in states[-2::-1]:
        page.locator("#undo").click()
        assert visitor.state() == state
    expect(page.locator("#undo")).to_be_disabled()
    for state in states[1:]:
        page.keyboard.press("Control+y")
        assert visitor.state() == state
    expect(page.locator("#redo")).to_be_disabled()


KINDS: dict[str, tuple[str, bytes]] = {
    "16 bits": ("gray, 16 bits", encoded(Image.fromarray(np.asarray(COFFEE.convert("L")).astype(np.uint16) * 257))),
    "alpha": ("gray, 8 bits", encoded(Image.merge("LA", [COFFEE.convert("L"), COFFEE.getchannel("R")]))),
    "turned": ("200 × 300, gray", b""),
    "sepia": ("toned, 8 bits", b""),
    "colour": ("already in colour, 8 bits", encoded(COFFEE)),
    "one pixel": ("1 × 1, gray", encoded(Image.new("L", (1, 1), 99))),
    "narrow": ("3 × 900, gray", encoded(COFFEE.convert("L").resize((3, 900)))),
}
_exif = Image.Exif()
_exif[0x0112] = 6
KINDS["turned"] = KINDS["turned"][0], encoded(COFFEE.convert("L"), "JPEG", exif=_exif)
_tone = np.asarray(COFFEE.convert("L")).astype(float)[..., None]
KINDS["sepia"] = KINDS["sepia"][0], encoded(Image.fromarray((_tone * [1, 0.85, 0.65]).astype(np.uint8)))


@pytest.mark.parametrize("kind", KINDS)
def test_photos_of_each_kind(studio: StudioServer, visit: Callable[..., Visitor], kind: str) -> None:
    about, content = KINDS[kind]
    visitor = visit(studio)
    visitor.open(file("photo.tif", content))
    visitor.says(about)
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    visitor.page.locator("#suffix").select_option(".tif")
    name, saved = visitor.downloaded(lambda: visitor.page.locator("#save").click())
    assert name == "photo-colored.tif"
    before, after = (cf.read_photo(io.BytesIO(each)) for each in (content, saved))
    assert after.pixels.shape == (*before.pixels.shape[:2], 3)
    assert after.pixels.dtype == before.pixels.dtype
    assert (after.alpha is None) == (before.alpha is None)
    if before.alpha is not None and after.alpha is not None:
        assert (after.alpha == before.alpha).all()


def test_a_hundred_megapixels_are_shown_smaller_and_saved_whole(
    studio: StudioServer, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(studio)
    large = COFFEE.convert("L").resize((11_600, 8_700))
    visitor.open(file("large.jpg", encoded(large, "JPEG")))
    visitor.says("large.jpg: 11600 × 8700, gray, 8 bits; shown smaller, saved at full size")
    visitor.page.locator("#suffix").select_option(".jpg")
    _, saved = visitor.downloaded(lambda: visitor.page.locator("#save").click())
    assert cf.read_photo(io.BytesIO(saved)).pixels.shape == (8_700, 11_600, 3)


def damaged_files() -> list[Any]:
    whole = [encoded(COFFEE, kind) for kind in ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP")]
    cut = [content[: len(content) * share // 10] for content in whole for share in (1, 5, 9)]
    mixed = [bytes(byte ^ (37 * (index % 97 == 50)) for index, byte in enumerate(content)) for content in whole[:3]]
    others = [b"", b"no photo", b"<html></html>", encoded(COFFEE)[:33]]
    return [file(f"damaged-{index}.jpg", content) for index, content in enumerate([*cut, *mixed, *others])]


def test_damaged_files_are_named_and_the_page_goes_on(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    damaged = damaged_files()
    assert len(damaged) == 25
    visitor = visit(studio)
    for each in damaged:
        visitor.page.locator("#files").set_input_files([each])
        visitor.says(each["name"])
        expect(visitor.page.locator("#status")).not_to_contain_text("Opening", timeout=60_000)
    visitor.open(file("cup.png", GRAY))
    visitor.says("cup.png: 300 × 200")
    visitor.page.locator("#files").set_input_files([file("bad.json", b"{")])
    visitor.says("bad.json is not JSON")
    for hints, said in (
        ([{"x": 1, "color": "red"}], "has no place for hint 1"),
        ([{"x": 1, "y": 2, "color": "red", "radius": -1}], "has no radius of 0 to 999999999 for hint 1"),
        ([{"x": 1, "y": 2, "color": "red", "radius": 1e9}], "has no radius of 0 to 999999999 for hint 1"),
        ([{"x": 1, "y": 2, "color": [300, 0, -4]}], "has no colour that can be shown here for hint 1"),
        ([{"x": 1, "y": 2, "color": "rad"}], "has no colour that can be shown here for hint 1"),
        ([{"x": 300, "y": 2, "color": "red"}], "has marks outside this photo of 300 × 200 pixels"),
    ):
        visitor.page.locator("#files").set_input_files([file("bad.json", json.dumps(hints).encode())])
        visitor.says(said)
    visitor.choose("#12")
    visitor.says("#12 is no colour; write one as in #5b6236")


def test_a_folder_keeps_the_marks_of_each_photo(
    browser: Browser, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(GRAY[:100])
    for name, image in (
        ("a.png", COFFEE.convert("L")),
        ("b.png", COFFEE.convert("L").rotate(180)),
        ("c.png", COFFEE),
    ):
        (tmp_path / name).write_bytes(encoded(image))
    with StudioServer(tmp_path) as studio:
        visitor = visit(studio)
        page = visitor.page
        visitor.says("a.png:")
        visitor.click(0.5, 0.4)
        visitor.marks(1)
        visitor.choose("#ff0000")
        page.get_by_role("button", name="Next photo").click()
        visitor.says("b.png:")
        visitor.marks(0)
        visitor.click(0.4, 0.5)
        visitor.click(0.6, 0.5)
        visitor.marks(2)
        page.get_by_role("button", name="Previous photo").click()
        visitor.says("a.png:")
        visitor.marks(1)
        page.reload()
        visitor.says("a.png:")
        visitor.marks(1)
        page.get_by_role("combobox", name="Photo", exact=True).select_option(label="c.png")
        visitor.says("c.png:")
        visitor.marks(0)
        page.get_by_role("button", name="Previous photo").click()
        visitor.says("broken.png is damaged")
        chosen = page.locator("#photos option:checked")
        expect(chosen).to_have_text("c.png")  # which is still shown
        page.get_by_role("button", name="Previous photo").click()
        visitor.says("b.png:")
        name, content = visitor.downloaded(lambda: page.get_by_role("button", name="Colour all").click())
        visitor.says("Coloured 3 of 4; 1 could not be coloured: broken.png is damaged")
        assert name == "colored.zip"
        archive = zipfile.ZipFile(io.BytesIO(content))
        assert archive.namelist() == ["a-colored.png", "b-colored.png", "c-colored.png", "not-colored.txt"]
        of_a = np.asarray(Image.open(io.BytesIO(archive.read("a-colored.png"))))
        row, column = 80, 150
        assert of_a[row, column, 0] > of_a[row, column, 2] + 60  # the mark, on a photo that was not open any more


def test_a_file_that_is_gone_is_named_and_the_others_are_coloured(
    studio: StudioServer, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    for name in ("here.png", "gone.png"):
        (tmp_path / name).write_bytes(GRAY)
    visitor = visit(studio)
    visitor.open(tmp_path / "here.png", tmp_path / "gone.png")
    visitor.says("here.png:")
    (tmp_path / "gone.png").unlink()
    button = visitor.page.get_by_role("button", name="Colour all")
    _, content = visitor.downloaded(button.click)
    visitor.says("Coloured 1 of 2; 1 could not be coloured: gone.png was moved or changed; open it again")
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["here-colored.png"]


def test_stay_gray_is_for_the_next_mark_as_well(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    visitor.open(file("cup.png", GRAY))
    visitor.choose("#aa3311")
    visitor.page.get_by_role("button", name="Stay gray").click()
    expect(visitor.page.locator("#of")).to_have_text("the next mark, gray")
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    assert visitor.state()["marks"][0]["color"] is None


def test_each_move_of_a_mark_is_undone_by_itself(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    before = visitor.state()
    page.locator("#canvas").focus()
    page.keyboard.press("Alt+ArrowRight")
    between = visitor.state()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Control+z")
    assert visitor.state() == between != before


def test_the_width_goes_on_from_that_of_the_mark(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    page.locator("#width").fill("40")
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    page.keyboard.press("Escape")
    page.locator("#width").fill("4")
    visitor.click(0.5, 0.5)
    expect(page.locator("#width")).to_have_value("40")


def test_the_browser_keeps_its_own_zoom(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    visitor.open(file("cup.png", GRAY))
    visitor.page.locator("#canvas").focus()
    taken = visitor.page.evaluate(
        """() => ["+", "-", "0"].map((key) => {
            const event = new KeyboardEvent("keydown", { key, ctrlKey: true, bubbles: true, cancelable: true });
            return !document.getElementById("canvas").dispatchEvent(event);
        })"""
    )
    assert taken == [False, False, False]


def dropped(page: Page, selector: str, files: dict[str, bytes]) -> None:
    """Drop files on an element."""
    given = {name: list(content) for name, content in files.items()}
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, content] of Object.entries(files)) {
                transfer.items.add(new File([new Uint8Array(content)], name));
            }
            return transfer;
        }""",
        given,
    )
    page.dispatch_event(selector, "dragover", {"dataTransfer": transfer})
    page.dispatch_event(selector, "drop", {"dataTransfer": transfer})


def test_photos_marks_and_references_are_dropped(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    page = visitor.page
    hints = json.dumps([{"x": 3, "y": 4, "color": "olive"}]).encode()
    dropped(page, "#stage", {"marks.json": hints})
    visitor.says("marks.json has marks of a photo that is not open")
    dropped(page, "#stage", {"a.png": GRAY, "b.png": encoded(COFFEE), "marks.json": hints})
    visitor.marks(1)
    visitor.says("a.png:")
    expect(page.locator("#photos option")).to_have_text(["a.png", "b.png"])
    dropped(page, "#reference", {"like.png": encoded(COFFEE)})
    expect(page.get_by_role("img", name="The reference photo")).to_be_visible()
    _, content = visitor.downloaded(lambda: page.get_by_role("button", name="Colour all").click())
    visitor.says("Coloured 2 of 2")
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["a-colored.png", "b-colored.png"]


def test_two_tabs_go_their_own_ways(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    one = visit(studio)
    one.open(file("cup.png", GRAY))
    page = one.page.context.new_page()
    other = Visitor(page, studio.address)
    other.open(file("red.png", encoded(COFFEE)))
    for number in range(1, 6):
        one.click(0.1 * number + 0.2, 0.5)
        other.click(0.1 * number + 0.2, 0.4)
    one.marks(5)
    other.marks(5)
    one.says("cup.png:")
    other.says("red.png")
    assert other.problems == []


def test_a_server_that_is_killed_loses_no_mark(visit: Callable[..., Visitor]) -> None:
    first = StudioServer()
    visitor = visit(first)
    visitor.open(file("cup.png", GRAY))
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    first.kill()
    visitor.click(0.6, 0.4)
    visitor.says("The studio does not answer; your marks are kept")
    visitor.click(0.4, 0.4)
    assert len(visitor.state()["marks"]) == 3
    with StudioServer(port=first.port) as second:
        visitor.says("the studio was restarted; open the address that it printed")
        page = visitor.page.context.new_page()
        Visitor(page, second.address)
        visitor.marks(3)
        visitor.says("cup.png: 300 × 200")
        visitor.click(0.3, 0.6)
        visitor.marks(4)
        _, content = visitor.downloaded(lambda: visitor.page.locator("#save").click())
        assert Image.open(io.BytesIO(content)).size == (300, 200)


def test_places_are_those_of_the_photo_when_it_is_zoomed_and_moved(
    studio: StudioServer, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(studio)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    box = page.locator("#canvas").bounding_box()
    assert box
    scale = min(box["width"] / 300, box["height"] / 200)
    left = (box["width"] - 300 * scale) / 2

    def place(number: int) -> tuple[int, int]:
        visitor.marks(number)
        mark = visitor.state()["marks"][-1]
        return mark["x"], mark["y"]

    visitor.click(0.25, 0.5)
    column = (0.25 * box["width"] - left) / scale
    assert place(1) == pytest.approx((column, 100), abs=1)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(4):
        page.mouse.wheel(0, -150)
    visitor.click(0.5, 0.5)
    assert place(2) == pytest.approx((150, 100), abs=1)
    visitor.drag((0.5, 0.7), (0.7, 0.7), button="middle")
    visitor.click(0.7, 0.4)
    third = place(3)
    assert third[0] == pytest.approx(150, abs=1)
    assert 60 < third[1] < 100
    page.get_by_label("Move the view").check()
    visitor.drag((0.7, 0.8), (0.5, 0.8))
    page.get_by_label("Points").check()
    visitor.click(0.5, 0.8)
    assert place(4)[0] == pytest.approx(150, abs=1)
    page.get_by_role("button", name="Fit").click()
    visitor.click(0.75, 0.5)
    assert place(5) == pytest.approx((300 - column, 100), abs=1)


def test_marks_are_taken_up_and_the_next_one_gets_the_chosen_colour(
    studio: StudioServer, visit: Callable[..., Visitor]
) -> None:
    visitor = visit(studio)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    visitor.choose("#aa3311")
    expect(page.locator("#of")).to_have_text("the next mark")
    hints = json.dumps({"photo": "cup.png", "hints": [{"path": [[30, 50], [270, 50]], "color": "#118833"}]})
    page.locator("#files").set_input_files([file("cup.png.json", hints.encode())])
    visitor.says("cup.png.json: 1 mark on cup.png")
    visitor.marks(1)
    visitor.click(0.5, 0.75)
    visitor.marks(2)
    assert visitor.state()["marks"][1]["color"] == "#aa3311"
    visitor.click(0.5, 0.28)  # the middle of the stroke
    expect(page.locator("#of")).to_have_text("this stroke")
    page.locator("#canvas").focus()
    page.keyboard.press("Alt+ArrowDown")
    visitor.marks(2)
    assert visitor.state()["marks"][0]["path"][0][1] > 50
    page.get_by_role("button", name="Delete this mark").click()
    expect(page.locator("#canvas")).to_be_focused()
    visitor.marks(1)


def test_references_overlays_and_the_comparison(studio: StudioServer, visit: Callable[..., Visitor]) -> None:
    visitor = visit(studio)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    plain = visitor.pixels()
    page.locator("#reference-file").set_input_files([file("like.png", encoded(COFFEE))])
    expect(page.get_by_role("img", name="The reference photo")).to_be_visible()
    visitor.until(lambda: abs(visitor.pixels() - plain).max() > 20)
    page.get_by_role("button", name="Remove reference").click()
    expect(page.locator("#canvas")).to_be_focused()
    page.locator("#open").focus()  # without the cross
    visitor.until(lambda: abs(visitor.pixels() - plain).max() <= 2)
    page.get_by_label("Before and after").check()
    page.get_by_label("Divider").fill("100")
    visitor.until(lambda: np.ptp(visitor.pixels()[200:400, 500:700], axis=-1).max() <= 2)  # gray, as before
    page.locator("#compare").uncheck()
    page.get_by_label("Show where it is unsure").check()
    visitor.until(lambda: abs(visitor.pixels() - plain).max() > 40)
    page.locator("#method").select_option("levin2004")
    visitor.says("levin2004 needs marks; click a place")
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    visitor.says("cup.png:")
    page.locator("#unsure").uncheck()
    page.locator("#method").select_option("welsh2002")
    visitor.says("welsh2002 needs a reference photo that looks alike")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (420, "light")])
def test_it_is_usable_at_any_width_and_by_any_reader(
    studio: StudioServer, visit: Callable[..., Visitor], width: int, scheme: str
) -> None:
    visitor = visit(studio, viewport={"width": width, "height": 860}, color_scheme=scheme)
    page = visitor.page
    visitor.open(file("cup.png", GRAY))
    visitor.click(0.5, 0.5)
    visitor.marks(1)
    assert page.locator("body").evaluate("body => document.documentElement.scrollWidth") <= width
    named = '(each => each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length)'
    controls = page.locator("button, input, select, canvas")
    unnamed = controls.evaluate_all(f"all => all.filter(each => !{named}(each)).map(each => each.id)")
    assert unnamed == []
    for selector in ("#status", "h2", "label", "#keys", "#save", "#open"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page: Page, selector: str) -> float:
    """The contrast of text and what is behind it, as WCAG defines it."""
    ink, back = page.locator(selector).first.evaluate(
        """each => {
            let behind = each;
            while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            return [getComputedStyle(each).color, getComputedStyle(behind).backgroundColor];
        }"""
    )

    def luminance(color: str) -> float:
        values = [int(value) / 255 for value in re.findall(r"\d+", color)[:3]]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    light, dark = sorted((luminance(ink), luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)

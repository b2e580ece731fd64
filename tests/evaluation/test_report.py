import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import colorfuse as cf

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(photos: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "out.html"
    cf.evaluate(cf.FusionColorizer.from_pretrained(), photos).report(path)
    return path


def test_the_page_needs_nothing_beside_it(page: Path) -> None:
    text = page.read_text()
    addresses = re.findall(r'(?:src|href)="([^"]{0,40})', text)
    assert len(addresses) == 4 + 2 + 1  # histograms, sheets, loss curve
    assert all(address.startswith("data:image/") for address in addresses)


def test_names_are_escaped(tmp_path: Path) -> None:
    cf.write_photo(tmp_path / "a<b>&c$x_$.png", data.astronaut()[:64, :64])
    cf.write_photo(tmp_path / "<i>.png", data.camera()[:64, :64])
    cf.evaluate(cf.FusionColorizer.from_pretrained(), tmp_path).report(tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text()
    assert "&lt;i&gt;.png" in text
    assert "<i>" not in text


@pytest.mark.skipif(BROWSER is None, reason="there is no browser")
@pytest.mark.parametrize("width", [400, 1300])
def test_a_browser_shows_it(page: Path, tmp_path: Path, width: int) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},3000", "--hide-scrollbars"]
    picture = tmp_path / "page.png"
    command = [str(BROWSER), *options, page.as_uri()]
    subprocess.run([*command, f"--screenshot={picture}"], check=True, capture_output=True, timeout=120)
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert (pixels.min(axis=-1) < 128).any(axis=1)[:200].any()  # the heading
    assert (np.ptp(pixels, axis=-1) > 40).mean() > 0.01  # photos in colour
    shown = subprocess.run([*command, "--dump-dom"], check=True, capture_output=True, text=True, timeout=120).stdout
    assert shown.count("<tr") == 5
    assert "Best and worst photos" in shown

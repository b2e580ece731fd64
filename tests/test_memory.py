"""Photos that are too large for the memory that there is, in processes that may have little of it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from colorfuse.memory import BYTES_PER_PIXEL, check_memory

LIMITED = """
import resource, sys
import numpy as np
import psutil
import colorfuse as cf
from colorfuse.images import Photo

colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize()
colorizer.predict(np.zeros((40, 40), np.uint8))
photo = Photo(np.zeros((6000, 8000, 1), np.uint8))
import accelerate.utils.memory
room = psutil.Process().memory_info().vms + 150_000_000
resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
for source in (sys.argv[1], photo.pixels, photo):
    try:
        colorizer.predict(source)
    except MemoryError as error:
        print(error)
colorizer.predict(np.zeros((1000, 1000), np.uint8))
print("still works")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of a process there")
def test_too_little_memory_raises_and_names_what_fits(tmp_path: Path) -> None:
    Image.new("L", (8000, 6000), 90).save(tmp_path / "scan.jpg")
    script = [sys.executable, "-c", LIMITED, str(tmp_path / "scan.jpg")]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == 4, said
    for name, line in zip((f"{tmp_path / 'scan.jpg'}", "array", "a photo"), said, strict=False):
        assert line.startswith(f"{name} of 8000 x 6000 pixels takes up to 1.8 GiB of memory to colour")
        assert "pixels fit: scale it down" in line
    assert said[3] == "still works"


def test_what_is_said_to_fit_fits() -> None:
    with pytest.raises(MemoryError, match="pixels fit") as caught:
        check_memory(10**6, 10**7, "scan.tif")
    width, height = map(int, str(caught.value).split("free; ")[1].split(" pixels")[0].split(" x "))
    assert width / height == pytest.approx(10, rel=0.01)
    check_memory(height // 2, width, "scan.tif")  # half, since what is free changes
    assert str(caught.value).startswith(
        f"scan.tif of 10000000 x 1000000 pixels takes up to {BYTES_PER_PIXEL * 1e13 / 2**30:.1f}"
    )

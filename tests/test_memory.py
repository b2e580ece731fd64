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


PEAK = """
import sys
from pathlib import Path
import numpy as np
import tifffile
import colorfuse as cf

folder, suffix = Path(sys.argv[1]), sys.argv[2]

def write(path, height, width):
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    if suffix == ".tif":
        tifffile.imwrite(path, np.broadcast_to(rows, (height, width, 3)), photometric="rgb")
    else:
        cf.write_photo(path, np.broadcast_to((rows * 65535).astype(np.uint16), (height, width, 4)).copy())

def color(path):
    photo = cf.read_photo(path)
    cf.write_photo(folder / f"out{suffix}", colorizer.predict(photo), like=photo)

def peak():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

if len(sys.argv) > 3:
    write(folder / f"large{suffix}", 4000, 5000)
    raise SystemExit
colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize()
write(folder / f"small{suffix}", 500, 500)
for _ in range(70):  # until what is compiled is loaded
    color(folder / f"small{suffix}")
Path("/proc/self/clear_refs").write_text("5")  # sets the peak back
before = peak()
color(folder / f"large{suffix}")
print((peak() - before) / (4000 * 5000))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no peak that can be set back there")
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_a_photo_takes_no_more_than_is_said(tmp_path: Path, suffix: str) -> None:
    script = [sys.executable, "-c", PEAK, str(tmp_path), suffix]
    subprocess.run([*script, "write"], check=True)
    taken = float(subprocess.run(script, capture_output=True, text=True, check=True).stdout)
    assert 20 < taken < BYTES_PER_PIXEL

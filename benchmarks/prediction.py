"""How fast photos are coloured, beside the published networks and beside decoding and encoding alone.

    python benchmarks/prediction.py [PHOTO]

First the networks of `mobile`, `zhang2016` and `zhang2017`, with random weights: photos a second at 256 x 256, from
lightness to ab, as they come and as `optimized` gives them. Then, made of PHOTO or of scikit-image's astronaut with
the grain that a scan has, from file to file: a JPEG of 12 megapixels, each stage, beside Pillow's own decoding of it
and encoding of the same in colour; a TIFF of 50 megapixels and 16 bits, beside tifffile's reading and writing, with
the same compression and without; and a folder of 1,000 JPEGs of a quarter of a megapixel, by the shell command, in
one process and in as many as there are cores. Then the memory that photos of 49 and of 100 megapixels take, each in a
process of its own, from file to file. Last what importing adds to that of torch, and how long the shell command takes
for its first photo.
"""

import io
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import colorfuse as cf

SIDE, LARGE, SCAN = 256, (4000, 3000), (8165, 6124)
GRAIN = 4.0
"""Standard deviation of the noise in bytes; without it, what is enlarged is smoother than any scan."""
SCANS = (7000, 7000), (10000, 10000)
PEERS = ("zhang2016", "zhang2017")
ROUNDS = 4
Result = TypeVar("Result")


def main(photo: str | None = None) -> None:
    """Print all of them."""
    image = Image.open(photo) if photo else Image.fromarray(data.astronaut())
    networks()
    with tempfile.TemporaryDirectory() as folder:
        large_photo(Path(folder), image)
        large_scan(Path(folder), image)
        small_photos(Path(folder), image)
        memory(Path(folder), image)
        starts(Path(folder))


def networks() -> None:
    """Photos a second, and how many times as many as each peer's; the colorizers take turns."""
    lightness = torch.rand(1, 1, SIDE, SIDE) * 100
    colorizers = {}
    for recipe in ("mobile", *PEERS):
        colorizer = cf.FusionColorizer.from_recipe(recipe, pretrained=False, image_size=SIDE).initialize()
        colorizers[recipe] = colorizer
        colorizers[f"{recipe}, optimized in float32"] = colorizer.optimized(torch.float32)
    colorizers["mobile, optimized"] = colorizers["mobile"].optimized()
    times = dict.fromkeys(colorizers, float("inf"))
    for _ in range(ROUNDS):
        for name, colorizer in colorizers.items():
            times[name] = min(times[name], fastest(partial(colorizer.predict_ab, lightness))[0])
    for name, seconds in times.items():
        factors = ", ".join(f"{times[peer] / seconds:.1f} times {peer}" for peer in PEERS)
        print(f"{name}: {1 / seconds:.1f} photos a second, {factors}")


def large_photo(folder: Path, image: Image.Image) -> None:
    """Each stage of a large JPEG."""
    gray, colored = folder / "gray.jpg", folder / "colored.jpg"
    Image.fromarray(grainy(image, LARGE).round().clip(0, 255).astype(np.uint8)).save(gray, quality=92)
    colorizer = cf.FusionColorizer.from_pretrained()
    colorizer.predict([cf.read_photo(gray)] * 2)  # after which compiled code is used

    def color() -> None:
        photo = cf.read_photo(gray)
        cf.write_photo(colored, colorizer.predict(photo), like=photo)

    whole, _ = fastest(color)
    photo = cf.read_photo(gray)
    pixels = colorizer.predict(photo)
    stages = {
        "reading": fastest(lambda: cf.read_photo(gray))[0],
        "colouring": fastest(lambda: colorizer.predict(photo))[0],
        "writing": fastest(lambda: cf.write_photo(colored, pixels, like=photo))[0],
    }
    result = Image.fromarray(pixels)
    decoding, _ = fastest(lambda: Image.open(gray).load())
    encoding, _ = fastest(lambda: result.save(io.BytesIO(), "JPEG", quality=95, subsampling=0))
    for stage, seconds in stages.items():
        print(f"12 megapixels, {stage}: {1000 * seconds:.0f} ms")
    print(f"12 megapixels, Pillow's decoding and encoding: {1000 * decoding:.0f} and {1000 * encoding:.0f} ms")
    print(f"12 megapixels, file to file: {1000 * whole:.0f} ms, {whole / (decoding + encoding):.2f} times Pillow's")


def large_scan(folder: Path, image: Image.Image) -> None:
    """A large TIFF of 16 bits."""
    gray, colored = folder / "gray.tif", folder / "colored.tif"
    tifffile.imwrite(gray, (257 * grainy(image, SCAN).clip(0, 255)).astype(np.uint16))
    colorizer = cf.FusionColorizer.from_pretrained()

    def color() -> None:
        photo = cf.read_photo(gray)
        cf.write_photo(colored, colorizer.predict(photo), like=photo)

    whole, _ = fastest(color, 3)
    pixels, reading = tifffile.imread(colored), fastest(lambda: tifffile.imread(gray), 3)[0]
    ways: dict[str, dict[str, Any]] = {
        "deflated": {"compression": "deflate", "predictor": True},
        "not compressed": {},
    }
    for how, options in ways.items():
        write = partial(tifffile.imwrite, folder / "its.tif", pixels, photometric="rgb", **options)
        alone = reading + fastest(write, 3)[0]
        print(f"50 megapixels, file to file: {whole:.2f} s, {whole / alone:.2f} times tifffile's, {how}")


def small_photos(folder: Path, image: Image.Image) -> None:
    """A folder of small JPEGs, by the shell command: photos a second in all, and without the time of one photo."""
    photos, count = folder / "photos", 1000
    photos.mkdir()
    small = Image.fromarray(grainy(image, (577, 433)).round().clip(0, 255).astype(np.uint8))
    for number in range(count):
        small.save(photos / f"{number:04}.jpg", quality=92)
    one, _ = timed(lambda: shell("colorize", str(photos / "0000.jpg"), "-o", str(folder / "one.jpg")))
    for workers in dict.fromkeys((1, os.cpu_count() or 1)):
        command = ["colorize", str(photos), "-o", str(folder / f"by-{workers}"), "--workers", str(workers)]
        seconds, _ = timed(partial(shell, *command))
        rates = f"{count / seconds:.0f} photos a second in all, {count / (seconds - one):.0f} after its start"
        print(f"{count} photos of 0.25 megapixels, {workers} processes: {rates}")


def grainy(image: Image.Image, size: tuple[int, int]) -> NDArray[np.float64]:
    """An image in gray, enlarged, with grain, in 0 to 255."""
    enlarged = np.asarray(image.convert("L").resize(size, Image.Resampling.LANCZOS))
    grainy: NDArray[np.float64] = enlarged + np.random.default_rng(0).normal(0, GRAIN, enlarged.shape)
    return grainy


def shell(*arguments: str) -> None:
    """Run the shell command."""
    subprocess.run([Path(sys.executable).with_name("colorfuse"), *arguments], capture_output=True, check=True)


def memory(folder: Path, image: Image.Image) -> None:
    """By how much the peaks of two processes differ that each colour one scan, by the pixel that the scans differ."""
    script = (
        "import re, sys, colorfuse as cf\n"
        "photo = cf.read_photo(sys.argv[1])\n"
        "cf.write_photo(sys.argv[2], cf.FusionColorizer.from_pretrained().predict(photo), like=photo)\n"
        # Not ru_maxrss, which begins with that of the process that starts this one.
        "print(1024 * int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]))\n"
    )
    peaks = []
    for size in SCANS:
        image.convert("L").resize(size).save(folder / "scan.jpg")
        peaks.append(int(output_of(script, str(folder / "scan.jpg"), str(folder / "colored.jpg"))))
        print(f"{size[0] * size[1] / 1e6:.0f} megapixels: {peaks[-1] / 2**30:.2f} GiB in all")
    added = (peaks[1] - peaks[0]) / (math.prod(SCANS[1]) - math.prod(SCANS[0]))
    print(f"memory: {added:.1f} bytes a pixel")


def starts(folder: Path) -> None:
    """The seconds that `import colorfuse` adds, and those of the shell command with one photo."""
    script = "import time, torch; start = time.perf_counter(); import colorfuse; print(time.perf_counter() - start)"
    added = min(float(output_of(script)) for _ in range(5))
    print(f"import colorfuse: {added:.2f} s more than import torch")
    Image.fromarray(data.camera()).save(folder / "first.jpg")
    seconds, _ = fastest(lambda: shell("colorize", str(folder / "first.jpg"), "-o", str(folder / "colored.jpg")))
    print(f"the first photo of the shell command: {seconds:.1f} s")


def output_of(script: str, *arguments: str) -> str:
    """What a Python of its own prints."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=True, text=True
    ).stdout


def fastest(job: Callable[[], Result], runs_of_it: int = 5) -> tuple[float, Result]:
    """The shortest of some runs in seconds, and what the last gave."""
    runs = [timed(job) for _ in range(runs_of_it)]
    return min(seconds for seconds, _ in runs), runs[-1][1]


def timed(job: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds, and what it gave."""
    started = time.perf_counter()
    result = job()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main(*sys.argv[1:])

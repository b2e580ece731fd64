"""How fast photos are coloured, beside the published networks and beside decoding and encoding alone.

    python benchmarks/prediction.py [PHOTO]

First the networks of `mobile`, `zhang2016` and `zhang2017`, with random weights: photos a second at 256 x 256, from
lightness to ab, as they come and as `optimized` gives them. Then a JPEG of 12 megapixels, made of PHOTO or of
scikit-image's astronaut with the grain that a scan has, from file to file: each stage, beside decoding and encoding
the same photo in colour. Then the memory that photos of 49 and of 100 megapixels take, each in a process of its own,
from file to file. Last what importing adds to that of torch, and how long the shell command takes for its first
photo.
"""

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from skimage import data

import colorfuse as cf

SIDE, LARGE = 256, (4000, 3000)
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
    enlarged = np.asarray(image.convert("L").resize(LARGE, Image.Resampling.LANCZOS))
    grain = np.random.default_rng(0).normal(0, GRAIN, enlarged.shape)
    Image.fromarray((enlarged + grain).round().clip(0, 255).astype(np.uint8)).save(gray, quality=92)
    colorizer = cf.FusionColorizer.from_pretrained()
    reading, photo = fastest(lambda: cf.read_photo(gray))
    coloring, pixels = fastest(lambda: colorizer.predict(photo))
    writing, _ = fastest(lambda: cf.write_photo(colored, pixels, like=photo))
    decoding, _ = fastest(lambda: cf.read_photo(colored))
    sizes = " and ".join(f"{path.stat().st_size / 1e6:.1f}" for path in (gray, colored))
    print(f"12 megapixels, files of {sizes} MB in gray and in colour")
    total, alone = reading + coloring + writing, decoding + writing
    for stage, seconds in {"reading": reading, "colouring": coloring, "writing": writing}.items():
        print(f"12 megapixels, {stage}: {1000 * seconds:.0f} ms, {seconds / total:.0%}")
    print(f"12 megapixels, file to file: {total / alone:.2f} times decoding and encoding in colour")


def memory(folder: Path, image: Image.Image) -> None:
    """By how much the peaks of two processes differ that each colour one scan, by the pixel that the scans differ."""
    script = (
        "import resource, sys, colorfuse as cf\n"
        "photo = cf.read_photo(sys.argv[1])\n"
        "cf.write_photo(sys.argv[2], cf.FusionColorizer.from_pretrained().predict(photo), like=photo)\n"
        "print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
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
    shell = Path(sys.executable).with_name("colorfuse")
    command = [str(shell), "colorize", str(folder / "first.jpg"), "-o", str(folder / "colored.jpg")]
    seconds, _ = fastest(partial(subprocess.run, command, capture_output=True, check=True))
    print(f"the first photo of the shell command: {seconds:.1f} s")


def output_of(script: str, *arguments: str) -> str:
    """What a Python of its own prints."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, check=True, text=True
    ).stdout


def fastest(job: Callable[[], Result]) -> tuple[float, Result]:
    """The shortest of five runs in seconds, and what the last gave."""
    runs = [timed(job) for _ in range(5)]
    return min(seconds for seconds, _ in runs), runs[-1][1]


def timed(job: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds, and what it gave."""
    started = time.perf_counter()
    result = job()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main(*sys.argv[1:])

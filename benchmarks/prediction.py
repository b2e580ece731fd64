"""How fast photos are coloured, beside the published networks and beside decoding and encoding alone.

    python benchmarks/prediction.py [PHOTO]

First the networks of `mobile`, `zhang2016` and `zhang2017`, with random weights: photos a second at 256 x 256, from
lightness to ab, all in float32. Then a JPEG of 12 megapixels, made of PHOTO or of scikit-image's astronaut, from file
to file: each stage, beside decoding and encoding the same photo in colour. Last what importing adds to that of torch.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image
from skimage import data

import colorfuse as cf

SIDE, LARGE = 256, (4000, 3000)
PEERS = ("zhang2016", "zhang2017")
Result = TypeVar("Result")


def main(photo: str | None = None) -> None:
    """Print all three."""
    networks()
    with tempfile.TemporaryDirectory() as folder:
        large_photo(Path(folder), Image.open(photo) if photo else Image.fromarray(data.astronaut()))
    imports()


def networks() -> None:
    """Photos a second, and how many times as many as each peer's."""
    lightness = torch.rand(1, 1, SIDE, SIDE) * 100
    rates = {}
    for recipe in ("mobile", *PEERS):
        colorizer = cf.FusionColorizer.from_recipe(recipe, pretrained=False, image_size=SIDE).initialize()
        rates[recipe] = 1 / fastest(partial(colorizer.predict_ab, lightness))[0]
        print(f"{recipe}: {rates[recipe]:.1f} photos a second, mobile is {rates['mobile'] / rates[recipe]:.1f} times")


def large_photo(folder: Path, image: Image.Image) -> None:
    """Each stage of a large JPEG."""
    gray, colored = folder / "gray.jpg", folder / "colored.jpg"
    image.convert("L").resize(LARGE, Image.Resampling.LANCZOS).save(gray, quality=92)
    colorizer = cf.FusionColorizer.from_pretrained()
    reading, photo = fastest(lambda: cf.read_photo(gray))
    coloring, pixels = fastest(lambda: colorizer.predict(photo))
    writing, _ = fastest(lambda: cf.write_photo(colored, pixels, like=photo))
    decoding, _ = fastest(lambda: cf.read_photo(colored))
    total, alone = reading + coloring + writing, decoding + writing
    for stage, seconds in {"reading": reading, "colouring": coloring, "writing": writing}.items():
        print(f"12 megapixels, {stage}: {1000 * seconds:.0f} ms, {seconds / total:.0%}")
    print(f"12 megapixels, file to file: {total / alone:.2f} times decoding and encoding in colour")


def imports() -> None:
    """The seconds that `import colorfuse` adds."""
    script = "import time, torch; start = time.perf_counter(); import colorfuse; print(time.perf_counter() - start)"
    command = [sys.executable, "-c", script]
    added = min(float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(5))
    print(f"import colorfuse: {added:.2f} s more than import torch")


def fastest(job: Callable[[], Result]) -> tuple[float, Result]:
    """The shortest of five runs in seconds, and what the last gave."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        result = job()
        times.append(time.perf_counter() - started)
    return min(times), result


if __name__ == "__main__":
    main(*sys.argv[1:])

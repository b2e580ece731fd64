"""The pictures of the README and of the page of systems: scikit-image's own photos, by one system beside the other.

    python benchmarks/gallery.py FOLDER [COLORIZER ...]

Writes `steered.jpg`: gray, automatic, two clicks later, true; and `systems.jpg`: what each system makes of the same
photos. Hints are the true colours of a few places; the reference is the photo, mirrored, cut and darker. Each
COLORIZER is a saved one, such as those of `benchmarks/recipes.py`, and shown under the name of its folder. Prints for
each system the mean error of ab over the photos, and the seconds that it takes for one.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import color, data

import colorfuse as cf
from colorfuse.colorizers.learnt import LearntColorizer

Pixels = NDArray[Any]
Place = tuple[int, int]

WIDTH, HEIGHT, GAP = 300, 225, 6
LABEL = 22
RADIUS = 4


class Example(NamedTuple):
    """A photo, two places to click, and more of them for systems that know nothing else."""

    photo: Pixels
    clicks: tuple[Place, ...]
    more: tuple[Place, ...]

    @property
    def gray(self) -> Pixels:
        """The photo in gray."""
        return np.asarray(Image.fromarray(self.photo).convert("L"))

    def hints(self, places: tuple[Place, ...]) -> list[tuple[int, int, dict[str, Any], int]]:
        """The true colours of places, each the mean of a small square."""
        lab = color.rgb2lab(self.photo)
        means = [lab[row - 3 : row + 4, column - 3 : column + 4, 1:].mean(axis=(0, 1)) for row, column in places]
        return [(*place, {"ab": tuple(mean)}, RADIUS) for place, mean in zip(places, means, strict=True)]


def examples() -> list[Example]:
    """The photos, all of 4:3."""
    return [
        Example(
            fitted(data.astronaut()[:384]),
            ((280, 90), (105, 130)),
            ((60, 205), (270, 285), (100, 215), (20, 30), (80, 395), (60, 330), (300, 420), (190, 200), (215, 60)),
        ),
        Example(
            fitted(data.coffee()),
            ((230, 95), (110, 440)),
            ((140, 230), (70, 130), (230, 230), (340, 430), (245, 310), (60, 70), (235, 185)),
        ),
        Example(
            fitted(data.rocket()),
            ((120, 80), (240, 300)),
            ((60, 100), (40, 240), (280, 400), (280, 243), (180, 242), (345, 240), (330, 278), (322, 96), (300, 180)),
        ),
    ]


def fitted(photo: Pixels) -> Pixels:
    """A photo cut and scaled to 4:3."""
    height, width, _ = photo.shape
    across, down = min(width, height * 4 // 3), min(height, width * 3 // 4)
    left, top = (width - across) // 2, (height - down) // 2
    image = Image.fromarray(photo[top : top + down, left : left + across])
    return np.asarray(image.resize((480, 360), Image.Resampling.LANCZOS))


def systems(options: argparse.Namespace) -> dict[str, Callable[[Example], Pixels]]:
    """What colours an example, by its name."""
    guided, levin = cf.FusionColorizer.from_pretrained("interactive"), cf.create_colorizer("levin2004")
    found: dict[str, Callable[[Example], Pixels]] = {
        "gray": lambda it: np.repeat(it.gray[..., None], 3, axis=2),
        "mobile": partial(by_itself, cf.FusionColorizer.from_pretrained()),
        "interactive": partial(by_itself, guided),
        "interactive, 2 points": lambda it: guided.predict(it.gray, hints=it.hints(it.clicks)),
        "interactive, reference": lambda it: guided.predict(it.gray, reference=mirrored(it.photo)),
        "levin2004, 2 points": lambda it: levin.predict(it.gray, hints=it.hints(it.clicks)),
        "levin2004, more": lambda it: levin.predict(it.gray, hints=it.hints(it.clicks + it.more)),
    }
    for name in ("welsh2002", "irony2005", "charpiat2008"):
        found[name] = partial(by_reference, name)
    for path in options.colorizers:
        found[path.name] = partial(by_itself, LearntColorizer.load(path))
    return found | {"true": lambda it: it.photo}


def mirrored(photo: Pixels) -> Pixels:
    """What stands for another photo of the same scene: mirrored, cut, darker."""
    return (0.85 * photo[20:-20, 30:-10][:, ::-1]).astype(np.uint8)


def by_itself(colorizer: Any, example: Example) -> Pixels:
    """Colour an example automatically."""
    colored: Pixels = colorizer.predict(example.gray)
    return colored


def by_reference(name: str, example: Example) -> Pixels:
    """Colour an example like its mirror image."""
    colored: Pixels = cf.create_colorizer(name).predict(example.gray, reference=mirrored(example.photo))
    return colored


def sheet(columns: dict[str, list[Pixels]], marked: dict[str, list[tuple[Place, ...]]], across: bool) -> Image.Image:
    """Tiles with a column a system, or a row if not `across`, with labels, and rings where hints were."""
    photos, step = len(next(iter(columns.values()))), (WIDTH + GAP, HEIGHT + GAP + (0 if across else LABEL))
    cells = (len(columns), photos) if across else (photos, len(columns))
    drawn = Image.new("RGB", (cells[0] * step[0] - GAP, cells[1] * step[1] - GAP + LABEL * across), "white")
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(15)
    for system, (name, its) in enumerate(columns.items()):
        label = (system * step[0] + WIDTH / 2, LABEL / 2) if across else (WIDTH / 2, system * step[1] + LABEL / 2)
        draw.text(label, name, "black", font, anchor="mm")
        for number, photo in enumerate(its):
            cell = (system, number) if across else (number, system)
            left, top = cell[0] * step[0], cell[1] * step[1] + LABEL
            drawn.paste(Image.fromarray(photo).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), (left, top))
            for down, right in marked.get(name, [()] * photos)[number]:
                x, y = left + right * WIDTH / 480, top + down * HEIGHT / 360
                draw.ellipse((x - 6, y - 6, x + 6, y + 6), outline="black", width=4)
                draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline="white", width=2)
    return drawn


def error(photo: Pixels, truth: Pixels) -> float:
    """The mean distance of ab from the truth."""
    apart = color.rgb2lab(photo)[..., 1:] - color.rgb2lab(truth)[..., 1:]
    return float(np.linalg.norm(apart, axis=-1).mean())


def main(options: argparse.Namespace) -> None:
    """Write the pictures and print the table."""
    photos = examples()
    columns: dict[str, list[Pixels]] = {}
    for name, system in systems(options).items():
        system(photos[0])  # loads what it needs
        started = time.perf_counter()
        columns[name] = [system(photo) for photo in photos]
        seconds = (time.perf_counter() - started) / len(photos)
        errors = [error(colored, photo.photo) for colored, photo in zip(columns[name], photos, strict=True)]
        print(f"| {name} | {np.mean(errors):.1f} | {seconds:.2f} |")
    marked = {
        "interactive, 2 points": [photo.clicks for photo in photos],
        "levin2004, 2 points": [photo.clicks for photo in photos],
        "levin2004, more": [photo.clicks + photo.more for photo in photos],
    }
    steered = {
        "gray": columns["gray"],
        "automatic": columns["interactive"],
        "two clicks later": columns["interactive, 2 points"],
        "true": columns["true"],
    }
    clicks = {"two clicks later": marked["interactive, 2 points"]}
    sheet(steered, clicks, across=True).save(options.folder / "steered.jpg", quality=88)
    sheet(columns, marked, across=False).save(options.folder / "systems.jpg", quality=85)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("colorizers", type=Path, nargs="*")
    main(parser.parse_args())

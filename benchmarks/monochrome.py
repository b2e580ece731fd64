"""How many photos count as toned: colour ones by mistake, and the same toned and saved as JPEG.

python benchmarks/monochrome.py PHOTOS...
"""

import io
import random
import sys
from pathlib import Path

from PIL import Image, ImageOps

from colorfuse.data.monochrome import find_monochrome
from colorfuse.images import open_rgb
from colorfuse.images.finding import find_photos

PHOTOS = 3000
TONED = 250
QUALITIES = (60, 75, 90)
TONES: dict[str, tuple[str, str, str | None]] = {
    "sepia": ("#1e120a", "#fff4dc", "#a08060"),
    "cyanotype": ("#061a3a", "#f4faff", "#5a86a8"),
    "selenium": ("#201018", "#f8f0f4", None),
}


def is_found(photo: Path, tone: tuple[str, str, str | None], quality: int) -> bool:
    """Whether a photo in one tone is taken for one without colour."""
    file = io.BytesIO()
    gray = ImageOps.grayscale(open_rgb(photo))
    ImageOps.colorize(gray, *tone).save(file, "JPEG", quality=quality, subsampling=2)
    with Image.open(file) as toned:
        return find_monochrome(toned, 2.0) is not None


def main(photos: list[str]) -> None:
    """Print both shares."""
    paths = find_photos(photos)
    chosen = random.Random(2).sample(paths, min(PHOTOS, len(paths)))
    mistaken = sum(find_monochrome(open_rgb(path), 2.0) == "toned" for path in chosen)
    print(f"{mistaken} of {len(chosen)} colour photos count as toned")
    for name, tone in TONES.items():
        for quality in QUALITIES:
            found = sum(is_found(path, tone, quality) for path in chosen[:TONED])
            print(f"{name}, quality {quality}: {found / len(chosen[:TONED]):.1%} found")


if __name__ == "__main__":
    main(sys.argv[1:])

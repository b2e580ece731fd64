"""A sheet of 24 historical photographs, each in gray and in colour, chosen by number.

    python benchmarks/historical.py ../shared/photos/historical sheet.jpg [MODEL] [SATURATION]

Of the photos sorted by name it takes every so many, by the weights inside the package or those of MODEL. There is no
truth to compare with, so it is to be looked at.
"""

import sys

import numpy as np
from PIL import Image, ImageOps

import colorfuse as cf
from colorfuse.images.finding import find_photos

COUNT, COLUMNS, TILE = 24, 4, (240, 200)


def main(photos: str, sheet: str, model: str | None = None, saturation: str = "1") -> None:
    """Write the sheet and print which photos are on it, row by row."""
    paths = find_photos(photos)
    chosen = [paths[number * len(paths) // COUNT] for number in range(COUNT)]
    colorizer = cf.FusionColorizer.from_pretrained(model)
    tiles = []
    for path in chosen:
        gray = Image.open(path).convert("L")
        colored = Image.fromarray(colorizer.predict(gray, saturation=float(saturation)))
        pair = [np.asarray(ImageOps.fit(image.convert("RGB"), TILE)) for image in (gray, colored)]
        tiles.append(np.hstack(pair))
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, COUNT, COLUMNS)]
    cf.write_photo(sheet, np.vstack(rows))
    for start in range(0, COUNT, COLUMNS):
        print("  ".join(path.name for path in chosen[start : start + COLUMNS]))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The picture of the systems for drawings: a drawing, the strokes on it, and the painting.

    python benchmarks/drawings.py FOLDER

Writes `drawings.png`: above, a drawing whose lines have gaps, with a stroke for each thing, painted by `sykora2009`;
below, the same scene with hatching and screentone, painted by `qu2006`.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import colorfuse as cf

Line = list[tuple[float, float]]

WIDTH, HEIGHT, GAP = 400, 300, 8
INK = 3


class Stroke(NamedTuple):
    """A line on a thing in the colour that it is to have."""

    color: str
    line: Line
    width: int = 10


def circle(x: float, y: float, radius: float, first: float = 0, last: float = 360) -> Line:
    """A circle from one angle to another, in degrees."""
    angles = np.radians(np.linspace(first, last, 60))
    return [(x + radius * np.cos(angle), y + radius * np.sin(angle)) for angle in angles]


def crown(x: float, y: float) -> Line:
    """The outline of a tree's leaves, open where the trunk begins."""
    angles = np.radians(np.linspace(110, 430, 160))
    return [
        (x + (42 + 5 * np.sin(9 * angle)) * np.cos(angle), y + (42 + 5 * np.sin(9 * angle)) * np.sin(angle))
        for angle in angles
    ]


HILL: Line = [(x, 228 - 30 * np.sin(np.pi * (x + 40) / 480)) for x in range(0, WIDTH + 1, 8)]
ROOF: Line = [(75, 151), (117, 92), (187, 92), (225, 151), (75, 151)]
WALLS: Line = [(90, 151), (90, 240), (210, 240), (210, 151)]
DOOR: Line = [(135, 240), (135, 185), (165, 185), (165, 240)]
SUN, CROWN = circle(330, 62, 30), crown(300, 168)
TRUNK: Line = [(292, 206), (290, 250), (312, 250), (309, 206)]
CLOSED = [ROOF, WALLS, DOOR, SUN, CROWN, TRUNK]
WITH_GAPS: list[Line] = [
    [(75, 151), (110, 102)],
    [(117, 92), (187, 92), (225, 151), (80, 151)],
    [(90, 151), (90, 236)],
    [(96, 240), (210, 240), (210, 151)],
    [*DOOR[:-1], (165, 234)],
    circle(330, 62, 30, 20, 350),
    CROWN,
    TRUNK,
    *([each for each in HILL if first <= each[0] <= last] for first, last in ((0, 80), (216, 288), (316, WIDTH))),
]
STROKES = [
    Stroke("#8ecae6", [(20, 30), (200, 40), (270, 30)]),
    Stroke("#8ecae6", [(370, 120), (380, 180)]),
    Stroke("#ffd166", [(316, 62), (346, 64)]),
    Stroke("#7fb069", [(20, 270), (200, 278), (380, 270)]),
    Stroke("#c1443c", [(110, 130), (190, 128)]),
    Stroke("#f3e3c3", [(105, 170), (105, 225)]),
    Stroke("#f3e3c3", [(188, 170), (190, 225)]),
    Stroke("#8a5a33", [(150, 200), (150, 230)]),
    Stroke("#8a5a33", [(301, 215), (301, 243)], 6),
    Stroke("#3f7d4e", [(280, 150), (318, 175)]),
]


def drawn(scene: list[Line]) -> Image.Image:
    """A drawing of the scene in lines."""
    page = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(page)
    for line in scene:
        draw.line(line, 0, INK, joint="curve")
    return page


def inside(*outlines: Line) -> NDArray[np.bool_]:
    """The pixels within outlines."""
    mask = Image.new("1", (WIDTH, HEIGHT))
    for outline in outlines:
        ImageDraw.Draw(mask).polygon(outline, fill=1)
    return np.asarray(mask)


def manga() -> Image.Image:
    """The scene with a hatched roof, and with hatched grass and a screentone sky that no line parts."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    page = np.asarray(drawn(CLOSED)).copy()
    things = inside(ROOF, WALLS, SUN, CROWN, TRUNK)
    grass = inside([*HILL, (WIDTH, HEIGHT), (0, HEIGHT)]) & ~things
    page[~grass & ~things & (rows % 7 < 3) & (columns % 7 < 3)] = 0
    page[grass & ((rows + columns) % 9 < 2)] = 0
    page[inside(ROOF) & ((rows - columns) % 7 < 2)] = 0
    return Image.fromarray(page)


def layer(strokes: list[Stroke]) -> Image.Image:
    """The strokes on a transparent layer."""
    found = Image.new("RGBA", (WIDTH, HEIGHT))
    for stroke in strokes:
        ImageDraw.Draw(found).line(stroke.line, stroke.color, stroke.width, joint="curve")
    return found


def tiles(name: str, page: Image.Image, strokes: Image.Image) -> list[Image.Image]:
    """The drawing, the strokes on it, and the painting."""
    marked = page.convert("RGBA")
    marked.alpha_composite(strokes)
    painted = cf.create_colorizer(name).predict(page, hints=strokes)
    return [page, marked, Image.fromarray(painted)]


def main(folder: str) -> None:
    """Write the picture."""
    sheet = Image.new("RGB", (3 * WIDTH + 2 * GAP, 2 * HEIGHT + GAP), "gray")
    strokes = layer(STROKES)
    drawings = {"sykora2009": drawn(WITH_GAPS), "qu2006": manga()}
    for row, (name, page) in enumerate(drawings.items()):
        for column, tile in enumerate(tiles(name, page, strokes)):
            sheet.paste(tile, (column * (WIDTH + GAP), row * (HEIGHT + GAP)))
    sheet.save(Path(folder, "drawings.png"), optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])

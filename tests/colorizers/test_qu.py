"""The system of Qu et al. 2006."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import color

import colorfuse as cf
from colorfuse.colorizers import Qu2006

LEFT, RIGHT = np.zeros((160, 240), bool), np.zeros((160, 240), bool)
LEFT[20:140, 15:115] = True
RIGHT[20:140, 125:225] = True


def page() -> NDArray[np.uint8]:
    """Hatching on the left, and dots on the right."""
    hatching = Image.new("L", (240, 160), 255)
    for start in range(-160, 240, 7):
        ImageDraw.Draw(hatching).line((start, 160, start + 160, 0), 0, 2)
    rows, columns = np.indices((160, 240))
    dots = np.where((rows % 7 < 3) & (columns % 7 < 3), 0, 255)
    return np.where(LEFT, np.asarray(hatching), np.where(RIGHT, dots, 255)).astype(np.uint8)


STROKES = [(80, 65, "tomato", 6), (80, 175, "gold", 6)]


def overlap(system: Qu2006, name: str, area: NDArray[Any]) -> float:
    """Intersection over union of an area and a colour's."""
    wanted = color.rgb2lab(np.array(_rgb(name), np.uint8)[None, None])[0, 0]
    label = int(np.linalg.norm(system.colors_.numpy() - wanted, axis=1).argmin())
    its = system.labels_ == label
    return float((its & area).sum() / (its | area).sum())


def _rgb(name: str) -> tuple[int, ...]:
    from PIL import ImageColor

    return ImageColor.getrgb(name)


def test_patterns_are_told_apart() -> None:
    system = Qu2006()
    painted = system.predict(page(), hints=STROKES)
    assert system.modes_ == ["pattern", "pattern"]
    assert overlap(system, "tomato", LEFT) > 0.85
    assert overlap(system, "gold", RIGHT) > 0.85
    assert (painted[page() == 0] == 0).all()
    assert painted[5, 5].tolist() == [255, 255, 255]


def outline(gap: int) -> NDArray[np.uint8]:
    """A square outline with a gap."""
    drawing = np.full((160, 240), 255, np.uint8)
    drawing[30:130, 40:140] = 0
    drawing[33:127, 43:137] = 255
    drawing[80 - gap // 2 : 80 - gap // 2 + gap, 130:150] = 255
    return drawing


@pytest.mark.parametrize("gap", [0, 3, 6])
def test_fronts_do_not_leak_through_gaps(gap: int) -> None:
    system = Qu2006()
    system.predict(outline(gap), hints=[(80, 80, "tomato", 5)])
    inside = np.zeros((160, 240), bool)
    inside[32:128, 42:138] = True
    assert system.modes_ == ["intensity"]
    assert overlap(system, "tomato", inside) > 0.93


def test_an_outline_beside_a_pattern_does_not_leak() -> None:
    drawing = np.where(LEFT, page(), 255).astype(np.uint8)
    drawing[30:130, 130:220], drawing[33:127, 133:217] = 0, 255
    drawing[78:83, 210:230] = 255
    system = Qu2006()
    system.predict(drawing, hints=[(80, 65, "tomato", 6), (80, 175, "gold", 6)])
    inside = np.zeros((160, 240), bool)
    inside[32:128, 132:218] = True
    assert sorted(system.modes_) == ["intensity", "pattern"]
    assert overlap(system, "gold", inside) > 0.9
    assert overlap(system, "tomato", LEFT) > 0.85


def test_a_page_of_one_pattern_is_one_area() -> None:
    rows, columns = np.indices((160, 240))
    system = Qu2006()
    system.predict(np.where((rows + columns) % 7 < 2, 0, 255).astype(np.uint8), hints=[(80, 120, "gold", 6)])
    assert (system.labels_ == 0).mean() > 0.94  # the front may halt a few pixels before the page's border


def test_a_front_leaks_through_a_gap_that_is_wider_than_said() -> None:
    system = Qu2006(gap=2.0)
    system.predict(outline(12), hints=[(80, 80, "tomato", 5)])
    assert (system.labels_ == 0).mean() > 0.8


def test_ways_of_colouring() -> None:
    flat, strokes, shading = (
        Qu2006(coloring=way).predict(page(), hints=STROKES) for way in ("flat", "strokes", "shading")
    )
    inside = slice(60, 100), slice(45, 85)
    assert {tuple(pixel) for pixel in flat[inside].reshape(-1, 3).tolist()} == {(255, 99, 71), (0, 0, 0)}
    assert shading[inside].std(axis=(0, 1)).max() < 0.2 * flat[inside].std(axis=(0, 1)).max()
    assert (strokes[page() == 0] == 0).all()
    plain = Qu2006(coloring="strokes").predict(outline(0), hints=[(80, 80, "tomato", 5)])
    assert plain[80, 80].tolist() == [255, 255, 255]
    assert np.ptp(plain[80, 45].astype(int)) > 60


def test_mirrored_drawings_give_mirrored_areas() -> None:
    system = Qu2006()
    system.predict(page(), hints=STROKES)
    labels = system.labels_
    system.predict(page()[:, ::-1], hints=[(row, 239 - column, *rest) for row, column, *rest in STROKES])
    assert (system.labels_[:, ::-1] == labels).mean() > 0.97


def test_a_stroke_across_outlines_means_no_pattern() -> None:
    page = np.full((160, 240), 255, np.uint8)
    page[:, 60:63], page[:, 100:103], page[80:83] = 0, 0, 0
    system = Qu2006()
    with_lines = Image.new("RGBA", (240, 160))
    ImageDraw.Draw(with_lines).line((40, 40, 120, 44), "gold", 6)
    system.predict(page, hints=with_lines)
    assert system.modes_ == ["intensity"]


def test_modes_can_be_set() -> None:
    system = Qu2006(mode="intensity")
    system.predict(page(), hints=STROKES)
    assert system.modes_ == ["intensity", "intensity"]


def test_patterns_grow_with_the_smallest_window() -> None:
    system = Qu2006(mode="pattern", window=1)
    colored = system.predict(page(), hints=STROKES)
    assert (np.ptp(colored[LEFT].astype(int), axis=-1) > 30).mean() > 0.5


def test_what_is_wrong_is_said() -> None:
    for settings, said in (
        ({"mode": "patern"}, "pattern"),
        ({"coloring": "flatt"}, "flat"),
        ({"relaxation": 2.0}, "relaxation of the colorizer 'qu2006' must be less than or equal to 1"),
        ({"gap": -1.0}, "gap of the colorizer 'qu2006' must be greater than or equal to 0"),
        ({"window": 0}, "window of the colorizer 'qu2006' must be greater than or equal to 1"),
    ):
        with pytest.raises(ValueError, match=said):
            cf.create_colorizer("qu2006", **settings).predict(page(), hints=STROKES)
    with pytest.raises(cf.HintsError, match="Qu2006 takes its colours from strokes alone"):
        cf.create_colorizer("qu2006").predict(page())

"""What all systems promise that paint drawings."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import colorfuse as cf

PAINTERS: list[tuple[str, dict[str, Any]]] = [
    ("sykora2009", {"softness": 0.0}),
    ("qu2006", {"mode": "intensity"}),
    ("qu2006", {"mode": "pattern"}),
]
COLORS = {"tomato": (255, 99, 71), "gold": (255, 215, 0), "royalblue": (65, 105, 225)}


def drawing_and_marks(seed: int) -> tuple[NDArray[np.uint8], list[tuple[int, int, str, int]]]:
    """A page with lines, and a mark on white paper in each of three of its quarters."""
    rng = np.random.default_rng(seed)
    page = Image.new("L", (72, 64), 255)
    draw = ImageDraw.Draw(page)
    for ends in rng.integers(0, 64, (4, 4)).tolist():
        draw.line(ends, 0, 2)
    marks = []
    for name, corner in zip(COLORS, ((0, 0), (0, 36), (32, 0)), strict=True):
        row, column = (rng.integers(5, 25, 2) + corner).tolist()
        draw.ellipse((column - 4, row - 4, column + 4, row + 4), fill=255)
        marks.append((row, column, name, 2))
    return np.asarray(page), marks


@pytest.mark.parametrize(("name", "options"), PAINTERS)
@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_marks_keep_their_colours_and_ink_stays(name: str, options: dict[str, Any], seed: int) -> None:
    page, marks = drawing_and_marks(seed)
    painted = cf.create_colorizer(name, **options).predict(page, hints=marks)
    for row, column, color, _ in marks:
        assert np.abs(painted[row, column].astype(int) - COLORS[color]).max() <= 3
    assert painted[page == 0].max(initial=0) <= 3


@pytest.mark.parametrize(("name", "options"), PAINTERS)
def test_maps_of_hints_are_strokes_of_as_many_colours(name: str, options: dict[str, Any]) -> None:
    page, marks = drawing_and_marks(0)
    noisy = page - np.random.default_rng(0).integers(0, 20, page.shape, dtype=np.uint8)
    hints = cf.read_hints(marks).draw(page.shape, page.shape)[None]
    lightness = cf.rgb_to_lab(torch.from_numpy(noisy)[None].repeat(3, 1, 1))[None, :1]
    system: Any = cf.create_colorizer(name, **options)
    ab = system.predict_ab(lightness, hints)
    marked = hints[0, 2] > 0
    assert torch.allclose(ab[0][:, marked], hints[0, :2, marked], atol=1e-3)
    assert len(system.colors_) == len(marks)


@pytest.mark.parametrize(("name", "options"), PAINTERS)
@settings(max_examples=8)
@example(592)
@given(st.integers(0, 10**6))
def test_mirrored_drawings_give_mirrored_colours(name: str, options: dict[str, Any], seed: int) -> None:
    page, marks = drawing_and_marks(seed)
    system = cf.create_colorizer(name, **options)
    painted = system.predict(page, hints=marks)
    again = system.predict(page[:, ::-1], hints=[(row, 71 - column, *rest) for row, column, *rest in marks])[:, ::-1]
    apart = np.abs(painted.astype(int) - again).max(axis=2)
    assert (apart <= 3).mean() > 0.98

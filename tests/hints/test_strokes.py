"""Hints drawn as strokes of paint."""

from typing import Any

import numpy as np
import pytest
import torch
from hint_colors import ab_of
from hypothesis import given
from hypothesis import strategies as st

import colorfuse as cf
from colorfuse.hints import Layer, Point, Stroke
from colorfuse.hints.colors import lab_of
from colorfuse.hints.strokes import draw_strokes

SIZE = (6, 9)
RED_THEN_BLUE = {"#c81e1e": np.ones(SIZE, bool), "#1e1ec8": np.eye(*SIZE, dtype=bool)}


def layer(lab: list[list[float]]) -> cf.Hints:
    """A layer of one row, of these colours."""
    values = torch.tensor(lab).T[:, None]
    return cf.Hints([Layer(values[1:], torch.ones(values.shape[1:]), values[0])])


def test_a_stroke_is_paint_too() -> None:
    stroke = Stroke(path=[(1, 1), (1, 6)], ab=(5.0, 6.0), lightness=50.0)
    drawing = draw_strokes(cf.Hints([stroke]), (8, 8), (8, 8))
    assert drawing[3].sum() == 6
    assert drawing[:, 1, 4].tolist() == [50.0, 5.0, 6.0, 1.0]


def test_the_last_stroke_covers_the_others() -> None:
    drawn = draw_strokes(cf.read_hints(RED_THEN_BLUE), SIZE, SIZE)
    red, blue = (torch.tensor([*lab_of(color), 1.0]) for color in RED_THEN_BLUE)
    expected = torch.where(torch.from_numpy(np.eye(*SIZE) > 0), blue[:, None, None], red[:, None, None])
    torch.testing.assert_close(drawn, expected)


def test_layers_and_masks_keep_lightness() -> None:
    """Read from an image or given as a mask, colours are painted as light as they are."""
    image = np.zeros((*SIZE, 4), np.uint8)
    image[2, 3] = 0xC8, 0x1E, 0x1E, 255
    mask = image[..., 3] > 0
    for source in (image, {"#c81e1e": mask}, {(200, 30, 30): mask}):
        drawn = draw_strokes(cf.read_hints(source), SIZE, SIZE)
        assert drawn[:, 2, 3].tolist() == pytest.approx([*lab_of("#c81e1e"), 1], abs=0.02)
        assert drawn.count_nonzero() == 4


@pytest.mark.parametrize(
    ("ab", "lightness"), [((0.0, 0.0), 100.0), ((0.0, 9.0), 75.0), ((9.0, 0.0), 75.0), ((-5.0, 9.0), 75.0)]
)
def test_colours_without_lightness_are_light_and_gray_is_white(ab: tuple[float, float], lightness: float) -> None:
    plane = torch.tensor(ab)[:, None, None].expand(2, *SIZE)
    for mark in (Point(row=1, column=2, ab=ab), Layer(plane, torch.ones(SIZE))):
        assert draw_strokes(cf.Hints([mark]), SIZE, SIZE)[:, 1, 2].tolist() == [lightness, *ab, 1.0]


@given(st.lists(st.tuples(*[st.floats(-2, 2, width=32)] * 3), min_size=1, max_size=20), st.randoms())
def test_shades_of_a_stroke_are_one_colour_the_most_frequent(
    noise: list[tuple[float, float, float]], rng: Any
) -> None:
    red, blue = [42.0, 63.0, 45.0], [24.0, 54.0, -84.0]
    shades = [[a + b for a, b in zip(red, its, strict=True)] for its in noise]
    colors = [*shades, *[red] * 21, blue]
    rng.shuffle(colors)
    size = (1, len(colors))
    drawn = draw_strokes(layer(colors), size, size)[:3, 0].T
    expected = [blue if its == blue else red for its in colors]
    torch.testing.assert_close(drawn, torch.tensor(expected))


def test_a_colour_joins_the_nearest_of_those_that_are_more_frequent() -> None:
    colors = [[50.0, 0.0, 0.0]] * 3 + [[50.0, 12.0, 0.0]] * 2 + [[50.0, 7.0, 0.0], [50.0, 5.0, 0.0]]
    drawn = draw_strokes(layer(colors), (1, 7), (1, 7))
    assert drawn[1, 0].tolist() == [0.0, 0.0, 0.0, 12.0, 12.0, 12.0, 0.0]
    apart = [[50.0, 0.0, 0.0]] * 2 + [[50.0, 10.0, 0.0]]
    assert draw_strokes(layer(apart), (1, 3), (1, 3))[1, 0].tolist() == [0.0, 0.0, 10.0]


def test_a_smaller_pixel_shows_the_most_frequent_colour() -> None:
    red, yellow = [50.0, 40.0, 0.0], [50.0, 0.0, 40.0]
    colors = [red, red, yellow, yellow, yellow, red]
    assert draw_strokes(layer(colors), (1, 6), (1, 2))[1:3, 0].T.tolist() == [[40.0, 0.0], [0.0, 40.0]]


def test_a_layer_has_at_most_64_colours() -> None:
    colors = [[50.0, -80 + 20.0 * a, -80 + 20.0 * b] for a in range(8) for b in range(8)]
    drawn = draw_strokes(layer(colors), (1, 64), (1, 64))
    torch.testing.assert_close(drawn[:3, 0].T, torch.tensor(colors))
    with pytest.raises(cf.HintsError, match="the layer has more than 64 colours; paint strokes with a hard brush"):
        draw_strokes(layer([*colors, [0.0, 0.0, 0.0]]), (1, 65), (1, 65))


def test_opacity_is_forgotten_and_colours_are_kept() -> None:
    image = np.zeros((*SIZE, 4), np.uint8)
    image[2, 3] = 0xC8, 0x1E, 0x1E, 204
    hints = cf.read_hints(image)
    (opaque,) = (mark.opaque() for mark in hints.marks)
    torch.testing.assert_close(draw_strokes(cf.Hints([opaque]), SIZE, SIZE), draw_strokes(hints, SIZE, SIZE))
    drawn = cf.Hints([opaque]).draw(SIZE, SIZE)
    assert drawn[:, 2, 3].tolist() == pytest.approx([*ab_of("#c81e1e"), 1.0], abs=0.02)
    assert drawn.count_nonzero() == 3

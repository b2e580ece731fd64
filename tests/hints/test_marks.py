"""Drawing of marks at any size."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import colorfuse as cf
from colorfuse.hints import Hints, Layer, Point, Stroke

sides = st.integers(1, 90)
sizes = st.tuples(sides, sides)


@st.composite
def points(draw: st.DrawFn) -> tuple[tuple[int, int], Hints]:
    """A size of a photo, and points on it."""
    height, width = size = draw(sizes)
    place = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    marks = [
        Point(row=row, column=column, ab=(float(index), 1.0), radius=draw(st.floats(0, 20)))
        for index, (row, column) in enumerate(draw(st.lists(place, min_size=1, max_size=4)))
    ]
    return size, Hints(marks)


@given(points(), sizes)
def test_every_last_mark_shows_at_every_size(
    given_points: tuple[tuple[int, int], Hints], size: tuple[int, int]
) -> None:
    photo, hints = given_points
    drawing = hints.draw(photo, size)
    assert drawing.shape == (3, *size)
    assert set(drawing[2].unique().tolist()) <= {0.0, 1.0}
    assert (drawing[:2, drawing[2] == 0] == 0).all()
    last = hints.marks[-1]
    assert isinstance(last, Point)
    row, column = (
        (2 * place + 1) * small / (2 * large)
        for place, small, large in ((last.row, size[0], photo[0]), (last.column, size[1], photo[1]))
    )
    assert tuple(drawing[:2, int(row), int(column)].tolist()) == last.ab


@given(points(), sizes)
def test_drawing_commutes_with_mirroring(given_points: tuple[tuple[int, int], Hints], size: tuple[int, int]) -> None:
    photo, hints = given_points
    mirrored = Hints(
        [
            Point(row=mark.row, column=photo[1] - 1 - mark.column, ab=mark.ab, radius=mark.radius)
            for mark in hints.marks
            if isinstance(mark, Point)
        ]
    )
    torch.testing.assert_close(mirrored.draw(photo, size), hints.draw(photo, size).flip(-1), rtol=0, atol=0)


@st.composite
def strokes(draw: st.DrawFn) -> tuple[tuple[int, int], Stroke]:
    """A size of a photo, and a stroke on it."""
    height, width = size = draw(sizes)
    places = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    path = draw(st.lists(places, min_size=1, max_size=4))
    return size, Stroke(path=path, ab=(5.0, 1.0), radius=draw(st.floats(0, 20)))


@given(strokes(), sizes)
def test_a_stroke_through_one_place_is_a_point(
    given_stroke: tuple[tuple[int, int], Stroke], size: tuple[int, int]
) -> None:
    photo, stroke = given_stroke
    row, column = stroke.path[0]
    point = Point(row=row, column=column, ab=stroke.ab, radius=round(stroke.radius, 3))
    drawing = Hints([Stroke(path=stroke.path[:1], ab=stroke.ab, radius=point.radius)]).draw(photo, size)
    torch.testing.assert_close(drawing, Hints([point]).draw(photo, size), rtol=0, atol=0)


@given(strokes(), sizes)
def test_a_stroke_covers_its_places_at_every_size_and_commutes_with_mirroring(
    given_stroke: tuple[tuple[int, int], Stroke], size: tuple[int, int]
) -> None:
    photo, stroke = given_stroke
    drawing = Hints([stroke]).draw(photo, size)
    points = Hints([Point(row=row, column=column, ab=stroke.ab, radius=stroke.radius) for row, column in stroke.path])
    assert (drawing[2] >= points.draw(photo, size)[2]).all()
    rows = Hints([stroke]).draw(photo, size, top=size[0] // 3, bottom=size[0] // 2)
    torch.testing.assert_close(rows, drawing[:, size[0] // 3 : size[0] // 2], rtol=0, atol=0)
    other = [(row, photo[1] - 1 - column) for row, column in stroke.path]
    mirrored = Hints([Stroke(path=other, ab=stroke.ab, radius=stroke.radius)]).draw(photo, size)
    torch.testing.assert_close(mirrored, drawing.flip(-1), rtol=0, atol=0)


@given(strokes())
def test_a_stroke_at_full_size_is_all_that_is_near_it(given_stroke: tuple[tuple[int, int], Stroke]) -> None:
    photo, stroke = given_stroke
    drawing = Hints([stroke]).draw(photo, photo)[2]
    ends = list(zip(stroke.path, stroke.path[1:] or stroke.path, strict=False))
    shares = torch.linspace(0, 1, 400, dtype=torch.double)[:, None]
    line = torch.cat([torch.tensor(a) + shares * (torch.tensor(b) - torch.tensor(a)) for a, b in ends])
    places = torch.cartesian_prod(torch.arange(photo[0]), torch.arange(photo[1])).double()
    near = torch.cdist(places, line).amin(dim=1).view(photo)
    assert (drawing[near <= stroke.radius + 0.4] == 1).all()
    assert (drawing[near > stroke.radius + 1.3] == 0).all()  # the line of single pixels has corners


@given(sizes, sizes, st.integers(0, 99))
def test_layers_commute_with_mirroring_and_keep_single_pixels(
    photo: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(photo, generator=generator) < 0.05
    mask[torch.randint(photo[0], (1,), generator=generator), -1] = True
    layer = Layer(torch.randn(2, *photo, generator=generator) * mask, mask)
    drawing = Hints([layer]).draw(photo, size)
    mirrored = Hints([Layer(layer.ab.flip(-1), mask.flip(-1))]).draw(photo, size)
    torch.testing.assert_close(mirrored, drawing.flip(-1))
    for row, column in mask.nonzero().tolist():
        rows = slice(
            row * size[0] // photo[0], max(row * size[0] // photo[0] + 1, -(-(row + 1) * size[0] // photo[0]))
        )
        columns = slice(
            column * size[1] // photo[1],
            max(column * size[1] // photo[1] + 1, -(-(column + 1) * size[1] // photo[1])),
        )
        assert drawing[2, rows, columns].any()


def test_a_pixel_of_12_megapixels_counts_at_128() -> None:
    mask = torch.zeros(3000, 4000, dtype=torch.bool)
    mask[1234, 2345] = True
    drawing = Hints([Layer(torch.full((2, 3000, 4000), 30.0) * mask, mask)]).draw((3000, 4000), (128, 128))
    assert drawing[2].sum() == 1
    assert drawing[:, 1234 * 128 // 3000, 2345 * 128 // 4000].tolist() == [30.0, 30.0, 1.0]


def test_a_smaller_pixel_gets_the_mean_of_its_marks_alone() -> None:
    ab = torch.zeros(2, 4, 4)
    ab[0, 0, 0], ab[0, 1, 1] = 10.0, 20.0
    mask = ab[0] > 0
    drawing = Hints([Layer(ab, mask)]).draw((4, 4), (2, 2))
    assert drawing[:, 0, 0].tolist() == [15.0, 0.0, 1.0]
    assert drawing[2].sum() == 1


def test_a_disc_is_round() -> None:
    drawn = Hints([Point(row=50, column=60, ab=(1.0, 2.0), radius=10)]).draw((100, 120), (100, 120))
    rows, columns = np.nonzero(drawn[2].numpy())
    assert np.hypot(rows - 50, columns - 60).max() <= 10.5
    assert drawn[2].sum().item() == pytest.approx(np.pi * 10.5**2, rel=0.03)


def test_a_disc_is_round_on_a_large_photo() -> None:
    hints = Hints([Point(row=30_000, column=40_000, ab=(1.0, 2.0), radius=2000)])
    drawn = hints.draw((60_000, 80_000), (60_000, 80_000), 28_500, 28_510)
    assert drawn[2].sum(dim=1).tolist() == pytest.approx([2 * (2000.5**2 - 1500**2) ** 0.5] * 10, rel=0.01)


def test_a_smaller_pixel_gets_the_mean_of_the_marks_of_a_large_layer() -> None:
    height, width = size = 700, 1000
    rng = np.random.default_rng(0)
    ab = rng.uniform(-90, 90, (2, height, width)).astype(np.float32)
    mask = np.zeros(size, np.float32)
    mask[::3, 5::7] = 1
    drawn = Layer(torch.from_numpy(ab), torch.from_numpy(mask))
    drawing = Hints([drawn]).draw(size, (70, 100)).numpy()
    squares = mask.reshape(70, 10, 100, 10).sum(axis=(1, 3))
    sums = (ab * mask).reshape(2, 70, 10, 100, 10).sum(axis=(2, 4))
    np.testing.assert_allclose(drawing[:2], sums / squares, atol=1e-3)
    assert (drawing[2] == 1).all()


def test_rows_of_a_drawing_are_those_of_the_whole() -> None:
    stroke = Stroke(path=[(2, 3), (25, 30), (9, 38)], ab=(1.0, 2.0), radius=1)
    points = [Point(row=5, column=6, ab=(3.0, 4.0), radius=3), Point(row=20, column=1, ab=(9.0, 9.0))]
    hints = Hints([stroke, *points])
    whole = hints.draw((30, 40), (30, 40))
    parts = [hints.draw((30, 40), (30, 40), top, top + 7) for top in range(0, 28, 7)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole[:, :28], rtol=0, atol=0)


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (10, 0), (0, 12), (0, -3)])
def test_a_point_outside_is_an_error(row: int, column: int) -> None:
    with pytest.raises(cf.HintsError, match=rf"row {row}, column {column} is outside the photo, which has 10 rows"):
        Hints([Point(row=row, column=column, ab=(0.0, 0.0))]).draw((10, 12), (5, 6))


@pytest.mark.parametrize("ab", [(300.0, 0.0), (0.0, float("nan"))])
def test_a_colour_out_of_range_is_an_error(ab: tuple[float, float]) -> None:
    for mark in (Point(row=1, column=1, ab=ab), Stroke(path=[(1, 1)], ab=ab)):
        with pytest.raises(cf.HintsError, match="must be within 200 of 0, in CIELAB units, not"):
            mark.check((4, 4))


def test_a_layer_of_another_size_is_an_error() -> None:
    layer = Layer(torch.zeros(2, 4, 5), torch.ones(4, 5, dtype=torch.bool))
    with pytest.raises(
        cf.HintsError, match=r"has 5 x 4 pixels, and the photo 12 x 10; export it at the photo's size"
    ):
        Hints([layer]).draw((10, 12), (5, 6))

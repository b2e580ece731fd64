"""The system of Levin et al. 2004."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.base
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import color, data

import colorfuse as cf
from colorfuse.colorizers import Levin2004
from colorfuse.colorizers.propagation import dissection_order

Floats = NDArray[np.float64]


def dense_solution(lightness: Floats, colors: Floats, opacity: Floats) -> NDArray[Any]:
    """The system of the authors' program, written as loops; L in 0 to 1, `colors` `(h, w, 2)`."""
    height, width = lightness.shape
    system, given = np.eye(height * width), np.zeros((height * width, 2))
    for row in range(height):
        for column in range(width):
            pixel = row * width + column
            given[pixel] = opacity[row, column] * colors[row, column]
            around = [
                (y, x)
                for y in range(max(0, row - 1), min(height, row + 2))
                for x in range(max(0, column - 1), min(width, column + 2))
                if (y, x) != (row, column)
            ]
            squares = [(lightness[place] - lightness[row, column]) ** 2 for place in around]
            scale = 0.6 * np.var([lightness[row, column], *(lightness[place] for place in around)])
            scale = max(scale, -min(squares) / math.log(0.01), 0.000002)
            weights = np.exp(-np.array(squares) / scale)
            for (y, x), weight in zip(around, weights / weights.sum(), strict=True):
                system[pixel, y * width + x] = -weight * (1 - opacity[row, column])
    return np.linalg.solve(system, given).reshape(height, width, 2)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([(32, 36), (40, 33)]), st.booleans())
def test_it_solves_the_system_of_the_paper(seed: int, size: tuple[int, int], soft: bool) -> None:
    rng = np.random.default_rng(seed)
    photo = data.astronaut()[100 + seed % 300 :][: size[0], 80:][:, : size[1]]
    lightness = color.rgb2lab(photo)[..., 0].astype(np.float32)
    hints = np.zeros((3, *size), np.float32)
    for row, column in rng.integers(0, (size[0] - 2, size[1] - 2), (4, 2)):
        opacity = rng.uniform(0.5, 1) if soft else 1
        hints[:, row : row + 2, column : column + 2] = [[[each]] for each in (*rng.uniform(-60, 60, 2), opacity)]
    tensor = torch.from_numpy(lightness)[None, None]
    ab = Levin2004().render_ab(tensor, torch.from_numpy(hints)[None])
    wanted = dense_solution(
        lightness.astype(float) / 100, np.moveaxis(hints[:2].astype(np.float64), 0, -1), hints[2].astype(float)
    )
    np.testing.assert_allclose(np.moveaxis(ab[0].numpy(), 0, -1), wanted, atol=1e-4)


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_order_has_each_pixel_once(height: int, width: int) -> None:
    assert sorted(dissection_order(height, width).tolist()) == list(range(height * width))


GRAY = data.camera()[100:260, 100:300]


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 159), st.integers(0, 199)), min_size=1, max_size=4, unique=True))
def test_marks_keep_their_colour_and_lightness_stays(places: list[tuple[int, int]]) -> None:
    gray = GRAY.astype(np.uint16) * 128 + 16384
    hints = [(row, column, {"ab": [8.0 * index, -5.0]}) for index, (row, column) in enumerate(places)]
    lab = color.rgb2lab(Levin2004(render_size=64).predict(gray, hints=hints))
    for index, place in enumerate(places):
        assert lab[place][1:].tolist() == pytest.approx([8.0 * index, -5.0], abs=1)
    np.testing.assert_allclose(lab[..., 0], color.rgb2lab(np.dstack([gray] * 3))[..., 0], atol=0.5)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 159), st.integers(0, 199)), min_size=1, max_size=4, unique=True))
def test_a_mirrored_photo_gives_the_mirrored_colours(places: list[tuple[int, int]]) -> None:
    colorizer = Levin2004(render_size=64)
    hints = [(row, column, {"ab": [9.0 * index, 5.0]}) for index, (row, column) in enumerate(places)]
    mirrored = [(row, 199 - column, its) for row, column, its in hints]
    colored = colorizer.predict(GRAY, hints=hints)
    assert np.abs(colorizer.predict(GRAY[:, ::-1], hints=mirrored)[:, ::-1].astype(int) - colored).max() <= 2


def test_more_marks_lower_the_error() -> None:
    result = cf.evaluate(
        Levin2004(render_size=128), data.astronaut()[None], hints=(10, 100), figures=["squared_error"]
    )
    errors = [result.mean(row, "squared_error") for row in ("gray", "10 hints", "100 hints")]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.3 * errors[0]
    assert result.mean("predicted", "squared_error") == errors[0]


class TestRegions:
    """Regions behind hard edges."""

    @pytest.fixture
    def drawing(self) -> NDArray[np.uint8]:
        """A black line between two white areas."""
        drawing = np.full((64, 64), 255, np.uint8)
        drawing[:, 30:33] = 0
        return drawing

    def test_without_a_mark_they_stay_gray_and_are_counted(self, drawing: NDArray[np.uint8]) -> None:
        colorizer = Levin2004(render_size=64)
        with pytest.warns(UserWarning, match="2 regions behind hard edges, 53.1% of the photo, have no mark"):
            colored = colorizer.predict(drawing // 2 + 60, hints=[(10, 10, "orange")])
        chroma = np.ptp(colored.astype(int), axis=2)
        assert chroma[:, :29].min() > 50
        assert chroma[:, 34:].max() == 0
        with pytest.warns(UserWarning, match="1 region behind hard edges, 4.7% of the photo, has no mark"):
            colorizer.predict(drawing // 2 + 60, hints=[(10, 10, "orange"), (10, 50, "green")])

    def test_specks_take_the_colour_around_them(self) -> None:
        speckled = np.full((64, 64), 180, np.uint8)
        speckled[20:22, 20:22] = 90
        colored = Levin2004(render_size=64).predict(speckled, hints=[(50, 50, "orange")])
        assert np.ptp(colored[20:22, 20:22].astype(int), axis=2).min() > 30

    def test_or_take_the_colours_of_a_base(self, drawing: NDArray[np.uint8]) -> None:
        base = cf.FusionColorizer.from_pretrained()
        gray = drawing // 2 + 60
        with pytest.warns(UserWarning, match="no mark"):
            colored = Levin2004(render_size=64, base=base).predict(gray, hints=[(10, 10, "orange")])
        alone = color.rgb2lab(base.predict(gray))[..., 1:]
        np.testing.assert_allclose(color.rgb2lab(colored)[:, 40:, 1:], alone[:, 40:], atol=2)
        unmarked = color.rgb2lab(Levin2004(render_size=64, base=base).predict(gray))[..., 1:]
        np.testing.assert_allclose(unmarked[:, 40:], alone[:, 40:], atol=2)

    def test_marks_everywhere_are_the_result(self) -> None:
        ab = np.random.default_rng(0).uniform(-9, 9, (2, 40, 50))
        colored = Levin2004().predict(np.full((40, 50), 0.5, np.float32), hints=(ab, np.ones((40, 50))))
        np.testing.assert_allclose(np.moveaxis(color.rgb2lab(colored)[..., 1:], -1, 0), ab, atol=0.02)


class TestFrames:
    """Successive frames of a film."""

    def test_colours_follow_what_moves(self) -> None:
        film = data.camera()[::4, ::4][:80]
        frames = [film[:, left : left + 80] for left in (0, 2, 4)]
        sky, coat = {"ab": [-10, -20]}, {"ab": [30, 20]}
        hints = {0: [(10, 10, sky), (20, 70, sky), (60, 40, coat, 2)]}
        colored = Levin2004(render_size=48).predict(frames, hints=hints)
        for frame, left in zip(colored, (0, 2, 4), strict=True):
            assert frame.shape == (80, 80, 3)
            a = color.rgb2lab(frame)[..., 1]
            assert a[5:15, 5:15].max() < -2
            assert a[59:62, 39 - left : 42 - left].min() > 20

    def test_what_is_wrong_is_said(self) -> None:
        colorizer, frames = Levin2004(render_size=32), [GRAY, GRAY]
        with pytest.raises(cf.HintsError, match="hints for frame 2, which is none of the 2, counted from 0"):
            colorizer.predict(frames, hints={2: [(1, 1, "red")]})
        with pytest.raises(cf.PhotoError, match="frame 1 differs in size from frame 0"):
            colorizer.predict([GRAY, GRAY[1:]], hints={0: [(1, 1, "red")]})
        with pytest.raises(cf.HintsError, match="levin2004 takes its colours from hints alone"):
            colorizer.predict(frames, hints={})
        with pytest.raises(ValueError, match="takes no reference photo"):
            colorizer.predict(frames, hints={0: [(1, 1, "red")]}, reference=data.astronaut())
        with pytest.raises(MemoryError, match="lower it"):
            Levin2004(render_size=32000).predict(frames, hints={0: [(1, 1, "red")]})
        with pytest.raises(cf.HintsError, match="row 900, column 1 is outside"):
            colorizer.predict(frames, hints={1: [(900, 1, "red")]})


def test_bad_input() -> None:
    colorizer = cf.create_colorizer("levin2004", render_size=32)
    for photos in (GRAY, [GRAY], iter([GRAY])):
        with pytest.raises(cf.HintsError, match="levin2004 takes its colours from hints alone"):
            colorizer.predict(photos)
    forms: list[Any] = [[], (), {}, cf.Hints()]
    for empty in forms:
        with pytest.raises(cf.HintsError, match="levin2004 takes its colours from hints alone"):
            colorizer.predict(GRAY, hints=empty)
    with (
        pytest.warns(UserWarning, match="a photo without hints stays gray"),
        pytest.warns(UserWarning, match="array has no pixel of at least half opacity, so no hints"),
    ):
        assert np.ptp(colorizer.predict(GRAY, hints=np.zeros((*GRAY.shape, 4), np.uint8)), axis=2).max() == 0
    with pytest.raises(cf.HintsError, match="the layer of hints has 9 x 9 pixels, and the photo 200 x 160"):
        colorizer.predict(GRAY, hints=np.full((9, 9, 4), 128, np.uint8))
    with pytest.raises(MemoryError, match="lower it"):
        Levin2004(render_size=10**6).predict(GRAY, hints=[(1, 1, "red")])


def test_a_soft_mark_is_weighed(tmp_path: Path) -> None:
    gray = np.full((40, 40), 0.5, np.float32)

    def chroma(opacity: float) -> Any:
        hints = np.zeros((40, 40, 4), np.float32)
        hints[20, 5] = [1, 0, 0, 1]
        hints[20, 30] = [0, 0, 1, opacity]
        lab = color.rgb2lab(Levin2004().predict(gray, hints=hints))
        return np.hypot(*(lab[20, 25, 1:] - color.rgb2lab([[[0.0, 0.0, 1.0]]])[0, 0, 1:]))

    assert chroma(0.5) > chroma(0.8) > chroma(1.0)


def test_a_base_must_be_fitted_and_stays_so() -> None:
    unfitted = Levin2004(base=cf.FusionColorizer())
    with pytest.raises(cf.NotFittedError):
        unfitted.predict_each([GRAY], hints=[[(1, 1, "red")]])
    system = Levin2004(base=cf.FusionColorizer.from_pretrained(), render_size=32)
    hints = [(1, 1, "red")]
    assert (sklearn.base.clone(system).predict(GRAY, hints=hints) == system.predict(GRAY, hints=hints)).all()

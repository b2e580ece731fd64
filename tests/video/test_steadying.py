"""Cuts, motion, steady colours, marks that move, and times."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from films import pan
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data
from skimage.transform import resize

import colorfuse as cf
from colorfuse.video.motion import Motion, MotionEstimator
from colorfuse.video.shots import find_cuts
from colorfuse.video.steadying import Predicted, steadied
from colorfuse.video.steering import by_frame, parse_time, read_times
from colorfuse.video.tracking import draw_tracks, track

PHOTOS = [resize(photo.mean(axis=-1), (160, 240)) for photo in (data.astronaut(), data.coffee(), data.chelsea())]


def shot(photo: NDArray[np.float64], count: int, step: int = 2) -> list[NDArray[np.uint8]]:
    starts = [10 + step * index for index in range(count)]
    return [np.ascontiguousarray(photo[20:116, start : start + 128], np.uint8) for start in starts]


def still(size: tuple[int, int], trust: float = 1.0) -> Motion:
    height, width = size
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    trusted = np.full(size, trust, np.float32)
    return Motion(grid, grid, trusted, trusted)


@settings(max_examples=15)
@given(st.lists(st.integers(3, 12), min_size=1, max_size=6))
def test_cuts_are_where_the_picture_changes(lengths: list[int]) -> None:
    frames = [frame for index, length in enumerate(lengths) for frame in shot(PHOTOS[index % 3], length)]
    assert find_cuts(frames) == [0, *np.cumsum(lengths)[:-1].tolist()]


def test_flashes_flicker_and_fades_are_no_cuts() -> None:
    frames = shot(PHOTOS[0], 20)
    frames[7] = np.full_like(frames[7], 250)
    rng = np.random.default_rng(0)
    flickering = [(frame * rng.uniform(0.6, 1)).astype(np.uint8) for frame in frames]
    grainy = [(frame + rng.normal(0, 10, frame.shape)).clip(0, 255).astype(np.uint8) for frame in frames]
    faded = [(frame * (1 - 0.04 * index)).astype(np.uint8) for index, frame in enumerate(shot(PHOTOS[1], 20))]
    assert find_cuts(frames) == find_cuts(flickering) == find_cuts(grainy) == find_cuts(faded) == [0]
    assert find_cuts([np.zeros((64, 64), np.uint8)] * 5) == [0]


def test_motion_is_that_of_the_camera() -> None:
    before, after = pan(2, step=3)
    motion = MotionEstimator().between(before, after)
    height, width = before.shape
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    inside = motion.trust_back > 0.5
    assert inside[:, : width - 8].mean() > 0.8
    assert np.abs(np.median((motion.back - grid)[inside], axis=0) - [3, 0]).max() < 0.2
    assert motion.trust_back[:, width - 2 :].max() < 0.1  # what came into the picture was nowhere before
    brighter = (after * 0.8 + 20).astype(np.uint8)
    assert (MotionEstimator().between(before, brighter).trust_back > 0.5).mean() > 0.6


def test_another_picture_is_not_trusted() -> None:
    motion = MotionEstimator().between(shot(PHOTOS[0], 1)[0], shot(PHOTOS[1], 1)[0])
    assert motion.trust_back.mean() < 0.25


@given(st.floats(0, 0.99), st.integers(0, 5), st.integers(1, 12), st.integers(0, 2**31))
def test_steadied_colours_lie_among_those_of_the_shot(steadiness: float, ahead: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colors = rng.uniform([-50, -50, 0.1], [50, 50, 1], (count, 4, 5, 3)).astype(np.float32)
    frames = [Predicted(each, still((4, 5)) if index else None) for index, each in enumerate(colors)]
    found = np.stack([each.ab for each in steadied(frames, steadiness, ahead)])
    assert found.shape == (count, 4, 5, 2)
    assert (found >= colors[..., :2].min(axis=0) - 1e-3).all()
    assert (found <= colors[..., :2].max(axis=0) + 1e-3).all()
    if steadiness == 0:
        np.testing.assert_allclose(found, colors[..., :2], atol=1e-4)


def test_steadied_colours_are_the_weighted_mean() -> None:
    rng = np.random.default_rng(0)
    colors = rng.uniform([-50, -50, 0.1], [50, 50, 1], (9, 2, 2, 3)).astype(np.float32)
    frames = [Predicted(each, still((2, 2), 0.5) if index else None) for index, each in enumerate(colors)]
    found = [each.ab for each in steadied(frames, 0.8, 3)]
    for now in range(9):
        last = min(now + 3, 8)
        weights = np.array([0.4 ** abs(now - index) for index in range(last + 1)])[:, None, None, None]
        weights = weights * colors[: last + 1, ..., 2:]
        expected = (weights * colors[: last + 1, ..., :2]).sum(axis=0) / weights.sum(axis=0)
        np.testing.assert_allclose(found[now], expected, rtol=1e-4, atol=1e-3)


def test_a_shot_knows_nothing_of_others_and_goes_on_from_its_past() -> None:
    rng = np.random.default_rng(0)
    colors = rng.uniform([-50, -50, 0.1], [50, 50, 1], (8, 3, 3, 3)).astype(np.float32)
    frames = [Predicted(each, None if index in (0, 5) else still((3, 3))) for index, each in enumerate(colors)]
    whole = list(steadied(frames, 0.9, 2))
    alone = list(steadied(frames[:5], 0.9, 2))
    for one, other in zip(whole, alone, strict=False):
        np.testing.assert_array_equal(one.ab, other.ab)
    rest = list(steadied(frames[3:], 0.9, 2, past=whole[2].past))
    for one, other in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(one.ab, other.ab)


def test_marks_move_with_what_they_are_on() -> None:
    rng = np.random.default_rng(0)
    ground = resize(rng.uniform(60, 120, (24, 32)), (96, 128))
    thing = resize(rng.uniform(150, 250, (6, 6)), (24, 24))
    frames = []
    for index in range(12):
        frame = ground.copy()
        frame[36:60, 10 + 4 * index : 34 + 4 * index] = thing
        frames.append(frame.astype(np.uint8))
    drawn = torch.zeros(3, 96, 128)
    drawn[:, 48, 10 + 4 * 5 + 12] = torch.tensor([20.0, 30.0, 1.0])
    tracks = track({105: drawn}, dict(enumerate(frames, 100)), 1000)
    for index in range(12):
        marks = draw_tracks(tracks, 100 + index, (96, 128))
        assert marks is not None
        rows, columns = (marks[0, 2] > 0).nonzero(as_tuple=True)
        assert len(rows) == 1
        assert abs(rows.item() - 48) <= 1
        assert abs(columns.item() - (10 + 4 * index + 12)) <= 2
        assert marks[0, :, rows, columns].flatten().tolist() == [20.0, 30.0, 1.0]
    outside = draw_tracks(tracks, 112, (96, 128))
    assert outside is not None
    assert not outside.any()


def test_what_passes_in_front_of_a_mark_does_not_take_it_along() -> None:
    ground = resize(np.random.default_rng(1).uniform(150, 230, (24, 32)), (96, 128))
    frames = []
    for index in range(16):
        frame = ground.copy()
        left = -30 + 10 * index
        frame[20:80, max(0, left) : max(0, left + 30)] = 20
        frames.append(frame.astype(np.uint8))
    drawn = torch.zeros(3, 96, 128)
    drawn[:, 50, 70] = torch.tensor([20.0, 30.0, 1.0])
    tracks = track({0: drawn}, dict(enumerate(frames)), 1000)
    places = [draw_tracks(tracks, index, (96, 128)) for index in range(16)]
    shown = [bool(each is not None and each.any()) for each in places]
    assert shown[:6] == [True] * 6
    assert not any(shown[9:11])  # it is behind
    assert shown[-1]
    assert places[-1] is not None
    rows, columns = (places[-1][0, 2] > 0).nonzero(as_tuple=True)
    assert abs(rows.item() - 50) <= 2
    assert abs(columns.item() - 70) <= 3


def mark(row: int, column: int, a: float) -> torch.Tensor:
    drawn = torch.zeros(3, 96, 128)
    drawn[:, row, column] = torch.tensor([a, 0.0, 1.0])
    return drawn


def test_marks_of_several_frames_are_followed_together_as_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    ground = resize(np.random.default_rng(2).uniform(60, 220, (30, 60)), (96, 240))
    frames = {index: ground[:, 3 * index : 3 * index + 128].astype(np.uint8) for index in range(20)}
    marked = {index: mark(40 + index, 100, 10.0) for index in (2, 9, 14)}
    estimated: list[Any] = []
    between = MotionEstimator.between

    def counted(estimator: MotionEstimator, before: Any, after: Any) -> Motion:
        estimated.append(before)
        return between(estimator, before, after)

    monkeypatch.setattr(MotionEstimator, "between", counted)
    together = track(marked, frames, 8)
    assert len(estimated) == 17 + 14  # from 2 to 19 and from 14 to 0, once each way
    for one in together:
        (alone,) = track({one.index: marked[one.index]}, frames, 8)
        reached = range(max(0, one.index - 8), min(19, one.index + 8) + 1)
        assert range(one.first, one.first + len(one.places)) == reached
        for each in (one, alone):
            assert each.first == reached.start
        np.testing.assert_array_equal(one.places, alone.places)
        np.testing.assert_array_equal(one.shown, alone.shown)


def test_the_nearest_mark_counts() -> None:
    frames = [PHOTOS[0][:96, :128].astype(np.uint8)] * 9
    tracks = track(
        {index: mark(40, 40, color) for index, color in ((1, 10.0), (7, -10.0))}, dict(enumerate(frames)), 9
    )
    values = [draw_tracks(tracks, index, (96, 128))[0, 0, 40, 40].item() for index in range(9)]  # type: ignore[index]
    assert values == [10.0] * 4 + [-10.0] * 5
    assert draw_tracks([], 0, (96, 128)) is None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_times_are_read_as_they_are_written(hours: int, minutes: int, seconds: int, thousandths: int) -> None:
    expected = 3600 * hours + 60 * minutes + seconds + thousandths / 1000
    assert parse_time(f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}") == pytest.approx(expected)
    assert parse_time(f"{60 * hours + minutes}:{seconds},{thousandths:03}") == pytest.approx(expected)
    assert parse_time(expected) == expected
    assert parse_time(str(expected)) == pytest.approx(expected)


@pytest.mark.parametrize("time", ["soon", "1:2:3:4", "", -1, float("nan"), None, True, "-3"])
def test_other_times_are_named(time: object) -> None:
    with pytest.raises(cf.HintsError, match=r"is no time of a film; use seconds, or text such as"):
        parse_time(time)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=20), st.floats(0, 1))
def test_a_time_is_that_of_the_frame_that_is_shown(durations: list[float], share: float) -> None:
    starts = np.cumsum([0, *durations])[:-1].tolist()
    end = sum(durations)
    (index,) = by_frame({share * end: "x"}, starts, end)
    assert starts[index] <= share * end + 1e-6
    assert index == len(starts) - 1 or share * end < starts[index + 1]


def test_files_of_times(tmp_path: Path) -> None:
    points = [{"x": 3, "y": 4, "color": "#ff0000"}]
    (tmp_path / "film.json").write_text(json.dumps({"0:01": points, "0:02": "marks.png"}))
    assert read_times(tmp_path / "film.json") == {"0:01": points, "0:02": tmp_path / "marks.png"}
    (tmp_path / "two.json").write_text('{"0:01": ["a.jpg", "b.jpg"]}', encoding="utf-8-sig")
    assert read_times(tmp_path / "two.json") == {"0:01": [tmp_path / "a.jpg", tmp_path / "b.jpg"]}
    assert read_times("photo.jpg") == "photo.jpg"
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(cf.HintsError, match=r"list.json must map times to hints"):
        read_times(tmp_path / "list.json")
    (tmp_path / "half.json").write_text("{")
    with pytest.raises(cf.HintsError, match=r"half.json is no JSON"):
        read_times(tmp_path / "half.json")

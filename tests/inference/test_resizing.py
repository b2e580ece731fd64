from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

import colorfuse as cf
from colorfuse.images import Photo
from colorfuse.inference import compositing, compositing_compiled, resizing, resizing_compiled
from colorfuse.inference.rendering import photo_to_render_size, to_render_size
from colorfuse.inference.resizing import places_of, shares_of
from colorfuse.inference.upsampling import GuidedColors, guided

sides = st.integers(1, 60)


def planes(count: int, size: tuple[int, int]) -> NDArray[np.float32]:
    return np.random.default_rng(sum(size)).normal(0, 60, (count, *size)).astype(np.float32)


@given(st.tuples(sides, sides), st.tuples(sides, sides), st.data())
def test_enlarging_is_bilinear(small: tuple[int, int], large: tuple[int, int], data: st.DataObject) -> None:
    top = data.draw(st.integers(0, large[0] - 1))
    count = data.draw(st.integers(1, large[0] - top))
    given_ = planes(2, small)
    expected = functional.interpolate(torch.from_numpy(given_)[None], large, mode="bilinear")[0, :, top : top + count]
    rows, columns = places_of(small[0], large[0], top, count), places_of(small[1], large[1], 0, large[1])
    results = np.empty((2, *expected.shape), np.float32)
    resizing.enlarge(given_, rows, columns, results[0])
    resizing_compiled.enlarge(given_, rows, columns, results[1])
    np.testing.assert_array_equal(*results)
    np.testing.assert_allclose(results[0], expected.numpy(), atol=1e-3)


@given(sides, sides, sides, st.data())
def test_shrinking_is_bilinear_with_antialiasing(small: int, large: int, width: int, data: st.DataObject) -> None:
    top = data.draw(st.integers(0, small - 1))
    count = data.draw(st.integers(1, small - top))
    rows = planes(1, (large, width))
    expected = np.asarray(Image.fromarray(rows[0]).resize((width, small), Image.Resampling.BILINEAR))
    first, shares = shares_of(small, large, top, count)
    results = np.zeros((2, count, width), np.float32)
    resizing.add_rows(rows[0, first : first + shares.shape[1]], shares, results[0])
    resizing_compiled.add_rows(rows[0, first : first + shares.shape[1]], shares, results[1])
    np.testing.assert_array_equal(*results)
    np.testing.assert_allclose(results[0], expected[top : top + count], atol=1e-3)


@given(sides, sides, st.sampled_from([16, 100]))
def test_a_photo_is_shrunk_as_its_lightness_is(height: int, width: int, render_size: int) -> None:
    photo = Photo(np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8))
    expected = to_render_size(photo.lightness()[None], render_size)
    torch.testing.assert_close(photo_to_render_size(photo, render_size), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@given(sides, sides, st.integers(3, 4), st.sampled_from([1, 30, 1000]))
def test_all_steps_at_once_give_the_same_bits(
    dtype: Any, channels: int, height: int, width: int, colors: int, contrast: int
) -> None:
    random = np.random.default_rng(width)
    shades = random.uniform(0, 1, (height, width, channels)).astype(np.float32)
    pixels = shades if dtype == np.float32 else (shades * np.iinfo(dtype).max).astype(dtype)
    small = planes(4, (5, 7)) * (
        np.array([0.01, 0.01, 1, 1], np.float32).reshape(4, 1, 1) * np.float32(contrast / 30)
    )
    limits = np.array([[-90, 90], [-80, 100]], np.float32)
    rows, columns = places_of(5, height, 0, height), places_of(7, width, 0, width)
    results = np.full((2, height, width, colors), 9, dtype)
    compositing.color_guided(pixels, small, rows, columns, limits, results[0])
    compositing_compiled.color_guided(pixels, small, rows, columns, limits, results[1])
    np.testing.assert_array_equal(*results)
    assert (results[..., 3:] == 9).all()
    before, after = (cf.images.Photo(each).lightness() for each in (pixels, results[0][..., :3]))
    assert (before - after).abs().max() < 0.5


@given(sides, sides)
def test_a_photo_has_the_colours_of_its_strips(height: int, width: int) -> None:
    photo = Photo(np.random.default_rng(width).integers(0, 256, (height, width, 1), np.uint8))
    ab, guide = torch.from_numpy(planes(2, (8, 6)))[None] / 4, torch.rand(1, 1, 8, 6) * 100
    colors = guided(ab, guide, height)
    assert isinstance(colors, GuidedColors)
    apart = np.abs(colors.put_on(photo).astype(int) - photo.with_ab(colors(photo.lightness()[None], 0)[0]))
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.05

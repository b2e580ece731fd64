from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import photo_arrays

import colorfuse as cf
from colorfuse.images import Photo
from colorfuse.inference.predictor import Predictor


def colorizer() -> cf.FusionColorizer:
    return cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize()


TINY = colorizer()


@settings(max_examples=25)
@given(photo_arrays())
def test_predict_keeps_height_width_dtype_and_alpha(photo: Any) -> None:
    colored = TINY.predict(photo)
    assert colored.shape[:2] == photo.shape[:2]
    assert colored.dtype == photo.dtype
    if photo.shape[2:] == (4,):
        np.testing.assert_array_equal(colored[..., 3], photo[..., 3])
    else:
        assert colored.shape[2:] == (3,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 5000), (1700, 1300)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_aspect_ratio_keeps_size_dtype_and_lightness(shape: tuple[int, int], dtype: type) -> None:
    gray = np.random.default_rng(0).random(shape)
    photo: Any = (gray * (1 if dtype is np.float32 else np.iinfo(dtype).max)).astype(dtype)
    colored = TINY.predict(photo, saturation=3)
    assert (colored.shape, colored.dtype) == ((*shape, 3), dtype)
    np.testing.assert_allclose(Photo(colored).lightness(), Photo(photo[..., None]).lightness(), atol=0.5)


@settings(max_examples=25)
@given(photo_arrays())
def test_predict_keeps_lightness(photo: Any) -> None:
    colored = Photo(TINY.predict(photo, saturation=3)[..., :3])  # not read, since 16 bits may be as dark as 8
    np.testing.assert_allclose(colored.lightness(), cf.read_photo(photo).lightness(), atol=0.5)


@settings(max_examples=15)
@given(st.lists(photo_arrays(), min_size=2, max_size=5))
def test_a_photo_alone_and_among_others_gives_the_same_bytes(photos: list[Any]) -> None:
    for photo, colored in zip(photos, TINY.predict(photos), strict=True):
        np.testing.assert_array_equal(TINY.predict(photo), colored)


@settings(max_examples=15)
@given(st.lists(photo_arrays(), min_size=2, max_size=5))
def test_a_batch_colours_as_one_at_a_time_but_for_rounding(photos: list[Any]) -> None:
    together = Predictor(TINY.render_ab, TINY.image_size, TINY.upsample, batch_size=len(photos))
    for photo, outcome in zip(photos, together.outcomes((photo, None) for photo in photos), strict=True):
        rounding = 1e-5 if photo.dtype == np.float32 else 1
        colored = np.asarray(outcome.result, float)
        np.testing.assert_allclose(TINY.predict(photo).astype(float), colored, atol=rounding)


@given(photo_arrays())
def test_without_colour_a_gray_photo_comes_back(photo: Any) -> None:
    read = cf.read_photo(photo)
    gray = read.with_ab(torch.zeros(2, *photo.shape[:2]))
    rounding = {np.dtype(np.uint8): 0, np.dtype(np.uint16): 1, np.dtype(np.float32): 1e-5}[photo.dtype]
    red, green, blue = (gray[..., channel].astype(float) for channel in range(3))
    np.testing.assert_allclose(red, green, atol=rounding)
    np.testing.assert_allclose(blue, green, atol=rounding)
    if read.pixels.shape[-1] == 1:
        np.testing.assert_allclose(green, read.pixels[..., 0].astype(float), atol=rounding)


@given(photo_arrays())
def test_tensors_are_read_as_arrays_are(photo: Any) -> None:
    channels_last = photo if photo.ndim == 3 else photo[..., None]
    read = cf.read_photo(torch.from_numpy(channels_last.copy()).movedim(-1, 0))
    np.testing.assert_array_equal(read.pixels, cf.read_photo(photo).pixels)

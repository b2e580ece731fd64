from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from strategies import photo_arrays

import colorfuse as cf


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

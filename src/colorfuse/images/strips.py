"""Colour arithmetic on strips of a photo's rows: lightness from pixels, and pixels from Lab.

Strips are small enough that what is computed of one stays in a core's cache, so that memory is read and written once.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from colorfuse.color import kernels
from colorfuse.color.mapping import Array, Kernel, in_parts
from colorfuse.compiled import count_pixels, fastest
from colorfuse.images.pixels import Pixels

PIXELS_AT_ONCE = 1 << 16
_LIGHTNESS: dict[tuple[np.dtype[Any], int], Kernel] = {
    (np.dtype(np.uint8), 1): kernels.lightness_from_gray_bytes,
    (np.dtype(np.float32), 1): kernels.lightness_from_gray_floats,
    (np.dtype(np.uint8), 3): kernels.lightness_from_bytes,
    (np.dtype(np.float32), 3): kernels.lightness_from_floats,
}
_ENCODERS: dict[np.dtype[Any], Kernel] = {
    np.dtype(np.uint8): kernels.bytes_from_linear,
    np.dtype(np.uint16): kernels.words_from_linear,
    np.dtype(np.float32): kernels.floats_from_linear,
}


def for_strips(pixels: Pixels, work: Callable[[slice], None], pixels_at_once: int = PIXELS_AT_ONCE) -> None:
    """Do some work for each strip of rows of pixels `(H, W, C)`, on several threads."""
    height, width, _ = pixels.shape
    rows = max(1, pixels_at_once // width)
    in_parts(work, [(slice(top, min(top + rows, height)),) for top in range(0, height, rows)])
    count_pixels(height * width)


def lightness_of(pixels: Pixels) -> Array:
    """L `(rows, W)` of pixels `(rows, W, 1 | 3)`, in 0 to 100."""
    rows, width, channels = pixels.shape
    if channels == 1 and pixels.dtype == np.uint16:
        lightness: Array = lightness_of_words()[pixels[..., 0]]
        return lightness
    values = pixels / np.float32(65535) if pixels.dtype == np.uint16 else pixels
    planes = np.require(np.moveaxis(values, -1, 0), requirements=["C", "W"]).reshape(channels, -1)
    lightness = np.empty((1, rows * width), np.float32)
    fastest(_LIGHTNESS[values.dtype, channels])(planes, lightness)
    return lightness.reshape(rows, width)


@cache
def lightness_of_words() -> Array:
    """L of each gray value of 16 bits `(65536)`."""
    lightness = np.empty((1, 65536), np.float32)
    kernels.lightness_from_gray_floats(np.arange(65536, dtype=np.float32)[None] / np.float32(65535), lightness)
    return lightness.ravel()


def display(lab: Array, rgb: Pixels) -> None:
    """Write Lab `(3, rows, W)` to contiguous RGB or RGBA `(rows, W, 3 | 4)`, in its dtype.

    Colours outside the sRGB gamut are reduced in chroma, so that lightness is preserved.
    """
    linear = np.empty((3, lab[0].size), np.float32)
    fastest(kernels.linear_in_gamut)(lab.reshape(linear.shape), linear)
    fastest(_ENCODERS[rgb.dtype])(linear, rgb.reshape(-1, rgb.shape[-1]).T[:3])

"""The function of `compositing`, compiled by Numba: a few rows at a time go through all steps in a core's cache."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from colorfuse.color import arithmetic
from colorfuse.color.kernels import LIGHTNESS_BYTES, LINEAR_BYTES
from colorfuse.color.kernels_compiled import (
    OPTIONS,
    bytes_from_linear,
    floats_from_linear,
    linear_in_gamut,
    words_from_linear,
)
from colorfuse.images.strips import lightness_of_words
from colorfuse.inference.resizing import Array, Places
from colorfuse.inference.resizing_compiled import guide, widened

_PIXELS_AT_ONCE = 4096
_LIGHTNESS_WORDS = lightness_of_words()
_WORDS = np.float32(65535)


@njit(**OPTIONS)
def color_guided(pixels: Array, planes: Array, rows: Places, columns: Places, limits: Array, rgb: Array) -> None:
    """Colour pixels by a linear function of their lightness, which is enlarged from small planes."""
    height, width, _ = pixels.shape
    at_once = max(1, _PIXELS_AT_ONCE // width)
    wide = widened(planes, rows, columns)
    for top in range(0, height, at_once):
        stop = min(top + at_once, height)
        lab = np.empty((3, stop - top, width), np.float32)
        _write_lightness(pixels[top:stop], lab[0])
        guide(wide, rows, top, lab[0], limits, lab[1:])
        linear = np.empty((3, (stop - top) * width), np.float32)
        linear_in_gamut(lab.reshape(linear.shape), linear)
        _encode(linear, rgb[top:stop].reshape(-1, rgb.shape[2])[:, :3].T)


def _write_lightness(pixels: Array, lightness: Array) -> None:
    """Write L of pixels `(rows, W, 1 | 3)`."""


@overload(_write_lightness, strict=False)
def _write_lightness_of(pixels: Any, lightness: Any) -> Callable[..., None]:
    gray, linear = {
        types.uint8: (_gray_byte, _linear_byte),
        types.uint16: (_gray_word, _linear_word),
        types.float32: (_gray_float, arithmetic.linear_of_companded),
    }[pixels.dtype]

    def write(pixels: Array, lightness: Array) -> None:
        height, width, channels = pixels.shape
        planes = np.empty((3, width), np.float32)
        for row in range(height):
            values, its = pixels[row].reshape(-1), lightness[row]
            if channels == 1:
                for i in range(width):
                    its[i] = gray(values[i])
            else:
                for channel in range(3):
                    for i in range(width):
                        planes[channel, i] = linear(values[3 * i + channel])
                for i in range(width):
                    its[i] = arithmetic.lightness_of_linear(planes[0, i], planes[1, i], planes[2, i])

    return write


_inlined = njit(error_model="numpy", forceinline=True)


@_inlined
def _gray_byte(value: Any) -> Any:
    return LIGHTNESS_BYTES[value]


@_inlined
def _gray_word(value: Any) -> Any:
    return _LIGHTNESS_WORDS[value]


@_inlined
def _gray_float(value: Any) -> Any:
    return arithmetic.lightness_of_luminance(arithmetic.linear_of_companded(value))


@_inlined
def _linear_byte(value: Any) -> Any:
    return LINEAR_BYTES[value]


@_inlined
def _linear_word(value: Any) -> Any:
    return arithmetic.linear_of_companded(np.float32(value) / _WORDS)


def _encode(linear: Array, rgb: Array) -> None:
    """Write linear RGB `(3, N)` in the dtype of `rgb`."""


@overload(_encode, strict=False)
def _encode_as(linear: Any, rgb: Any) -> Callable[..., None]:
    encode = {
        types.uint8: bytes_from_linear,
        types.uint16: words_from_linear,
        types.float32: floats_from_linear,
    }[rgb.dtype]
    return lambda linear, rgb: encode(linear, rgb)

"""Pixel values as a file stores them, before conversion to sRGB."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from colorfuse.errors import PhotoError
from colorfuse.images.metadata import Coding, Metadata
from colorfuse.images.profiles import ColorSpace

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Decoded:
    """Values `(H, W, 1 | 3 | 4)` in colour space `space`, alpha `(H, W, 1)`, and the metadata of a file."""

    values: Array
    space: ColorSpace
    alpha: Array | None
    metadata: Metadata
    coding: Coding


def split_alpha(values: Array, space: ColorSpace, metadata: Metadata, coding: Coding) -> Decoded:
    """Split `(H, W)` or `(H, W, 1 to 4)` into colours and alpha."""
    values = values[..., None] if values.ndim == 2 else values
    colors = 1 if space == "gray" else 3
    alpha = values[..., colors:] if values.shape[-1] > colors else None
    return Decoded(values[..., :colors], space, alpha, metadata, coding)


def in_range(values: Array, bits: int, name: str) -> Array:
    """Convert floats to float32, and scale integers to 8 or 16 bits: those of other depths, and large ones of 32.

    Raises:
        PhotoError: The dtype or the range is not that of a photo; the message begins with `name`.
    """
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype.kind == "i" and not (values.min(initial=0) >= 0 and values.max(initial=0) > 255):
        raise PhotoError(f"{name} has dtype {values.dtype}; a photo is of unsigned integers or floats in 0 to 1")
    if values.dtype == np.uint32 and values.max(initial=0) > 65535:
        return (values >> 16).astype(np.uint16)
    if values.dtype.kind == "u" and bits < 8:
        return np.rint(values * np.float32(255 / (2**bits - 1))).astype(np.uint8)
    if values.dtype.kind == "u" and 8 < bits < 16:
        return np.rint(values * np.float32(65535 / (2**bits - 1))).astype(np.uint16)
    return in_16_bits(values, name)


def in_16_bits(values: Array, name: str) -> Array:
    """Convert integers of more than one byte to uint16.

    Raises:
        PhotoError: A value does not fit; the message begins with `name`.
    """
    if values.dtype.kind not in "iu" or values.dtype.itemsize == 1:
        return values
    if values.size and not 0 <= values.min() <= values.max() <= 65535:
        raise PhotoError(f"{name} has integers from {values.min()} to {values.max()}; they must lie in 0 to 65535")
    return values.astype(np.uint16, copy=False)

"""Bit depths of pixels."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
FULL_SCALE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}
"""The value of white, for the dtypes that pixels may have."""


def as_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    """Round pixels of any bit depth to uint8."""
    rounded: NDArray[np.uint8] = of_depth(pixels, np.dtype(np.uint8))
    return rounded


def as_uint16(pixels: Pixels) -> NDArray[np.uint16]:
    """Return uint16 pixels as they are, and round floats to uint16."""
    rounded: NDArray[np.uint16] = of_depth(pixels, np.dtype(np.uint16))
    return rounded


def of_depth(pixels: Any, dtype: np.dtype[Any]) -> Any:
    """Convert pixels from one bit depth to another, rounded."""
    if pixels.dtype == dtype:
        return pixels
    converted = np.empty(pixels.shape, dtype)
    for rows in few_rows(pixels):
        scaled = pixels[rows] * np.float32(FULL_SCALE[dtype] / FULL_SCALE[pixels.dtype])
        converted[rows] = scaled if dtype == np.float32 else np.rint(scaled)
    return converted


def few_rows(values: NDArray[Any], at_once: int = 1 << 18) -> Iterator[slice]:
    """Slices of a few rows each, of about so many values, so that what is computed of them takes little memory."""
    rows = max(1, at_once * len(values) // max(1, values.size))
    for top in range(0, len(values), rows):
        yield slice(top, top + rows)

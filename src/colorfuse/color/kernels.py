"""The conversions on contiguous arrays of pixels `(C, N)`, by NumPy; `kernels_compiled` has their compiled twins.

Only the last argument of `floats_from_linear`, `words_from_linear` and `bytes_from_linear` may have any strides, so
that it can be the rows of a photo.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from colorfuse.color import arithmetic
from colorfuse.color.constants import LIGHTNESS_OF_BYTE, LINEAR_OF_BYTE

Array: TypeAlias = NDArray[Any]

LINEAR_BYTES = LINEAR_OF_BYTE.astype(np.float32)
LIGHTNESS_BYTES = LIGHTNESS_OF_BYTE.astype(np.float32)
FACTOR_STEPS = tuple(np.float32(2.0**-power) for power in range(1, 13))
"""Steps of the bisection for the greatest factor that keeps a colour in the gamut."""


def lab_from_bytes(rgb: Array, lab: Array) -> None:
    """RGB bytes to Lab."""
    lab[0], lab[1], lab[2] = arithmetic.lab_of_linear(*LINEAR_BYTES[rgb])


def lab_from_floats(rgb: Array, lab: Array) -> None:
    """RGB in 0 to 1 to Lab."""
    lab[0], lab[1], lab[2] = arithmetic.lab_of_linear(*arithmetic.linear_of_companded(rgb))


def lightness_from_bytes(rgb: Array, lightness: Array) -> None:
    """RGB bytes to L."""
    lightness[0] = arithmetic.lightness_of_linear(*LINEAR_BYTES[rgb])


def lightness_from_floats(rgb: Array, lightness: Array) -> None:
    """RGB in 0 to 1 to L."""
    lightness[0] = arithmetic.lightness_of_linear(*arithmetic.linear_of_companded(rgb))


def lightness_from_gray_bytes(gray: Array, lightness: Array) -> None:
    """Gray bytes to L."""
    np.take(LIGHTNESS_BYTES, gray, out=lightness, mode="wrap")  # a byte is always an index, so the check is skipped


def lightness_from_gray_floats(gray: Array, lightness: Array) -> None:
    """Gray in 0 to 1 to L."""
    lightness[:] = arithmetic.lightness_of_luminance(arithmetic.linear_of_companded(gray))


def linear_from_lab(lab: Array, linear: Array) -> None:
    """Lab to linear RGB, which is not clipped."""
    linear[0], linear[1], linear[2] = arithmetic.linear_of_lab(*lab)


def linear_in_gamut(lab: Array, linear: Array) -> None:
    """Lab to linear RGB; colours outside the gamut keep lightness and hue, and lose chroma."""
    linear_from_lab(lab, linear)
    where = np.flatnonzero(arithmetic.is_outside(*linear))
    for plane, its in zip(linear, arithmetic.linear_of_lab(*_reduced(lab, where)), strict=True):
        plane[where] = its


def in_gamut(lab: Array, reduced: Array) -> None:
    """Lab to Lab; colours outside the gamut lose chroma."""
    np.copyto(reduced, lab)
    where = np.flatnonzero(arithmetic.is_outside(*arithmetic.linear_of_lab(*lab)))
    for plane, its in zip(reduced, _reduced(lab, where), strict=True):
        plane[where] = its


def _reduced(lab: Array, where: Array) -> arithmetic.Colors:
    """The colours of these places, with less chroma."""
    lightness, a, b = np.take(lab, where, axis=1)
    factor = np.zeros_like(lightness)
    for step in FACTOR_STEPS:
        factor = arithmetic.refined_factor(factor, step, lightness, a, b)
    return lightness, factor * a, factor * b


def floats_from_linear(linear: Array, rgb: Array) -> None:
    """Linear RGB to floats in 0 to 1, clipped."""
    for plane, its in zip(rgb, linear, strict=True):
        plane[:] = arithmetic.companded(its)


def words_from_linear(linear: Array, rgb: Array) -> None:
    """Linear RGB to 16 bits, clipped."""
    for plane, its in zip(rgb, linear, strict=True):
        plane[:] = arithmetic.word_of_linear(its)


def bytes_from_linear(linear: Array, rgb: Array) -> None:
    """Linear RGB to bytes, clipped."""
    for plane, its in zip(rgb, linear, strict=True):
        plane[:] = arithmetic.byte_of_linear(its)

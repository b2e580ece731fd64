"""The functions of `kernels`, compiled by Numba, which keeps on disk what it has compiled.

The loops are vectorised, since arrays are contiguous, and since Numba is told to divide by zero as NumPy does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload, register_jitable

from colorfuse.color import arithmetic
from colorfuse.color.kernels import FACTOR_STEPS, LIGHTNESS_BYTES, LINEAR_BYTES, Array

OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "cache": True}
_STEPS = np.array(FACTOR_STEPS)
_BLOCK = 256
"""Pixels that are looked at together; most photos have few colours outside the gamut, and these lie together."""


@overload(arithmetic.select, jit_options={"forceinline": True}, strict=False)
def _select(condition: Any, values: Any, others: Any) -> Callable[..., Any]:
    return lambda condition, values, others: values if condition else others


@intrinsic
def _same_bits(context: Any, value: Any) -> Any:
    other = types.int32 if value == types.float32 else types.float32
    return other(value), lambda context, builder, _, given: builder.bitcast(given[0], context.get_value_type(other))


@overload(arithmetic.bits_of, jit_options={"forceinline": True}, strict=False)
def _bits_of(values: Any) -> Callable[..., Any]:
    return lambda values: _same_bits(values)


@overload(arithmetic.of_bits, jit_options={"forceinline": True}, strict=False)
def _of_bits(bits: Any) -> Callable[..., Any]:
    return lambda bits: _same_bits(np.int32(bits))  # int64, as Numba adds


inlined = register_jitable(error_model="numpy", forceinline=True)
"""Lets compiled functions contain a function that is written for arrays and single values alike."""
for _function in vars(arithmetic).copy().values():
    if getattr(_function, "__module__", None) == arithmetic.__name__ and _function not in (
        arithmetic.select,
        arithmetic.bits_of,
        arithmetic.of_bits,
    ):
        inlined(_function)

_F, _U8 = types.float32[:, ::1], types.uint8[:, ::1]


@njit([types.void(_U8, _F)], **OPTIONS)
def lab_from_bytes(rgb: Array, lab: Array) -> None:
    """RGB bytes to Lab."""
    for i in range(rgb.shape[1]):
        lab[0, i], lab[1, i], lab[2, i] = arithmetic.lab_of_linear(
            LINEAR_BYTES[rgb[0, i]], LINEAR_BYTES[rgb[1, i]], LINEAR_BYTES[rgb[2, i]]
        )


@njit([types.void(_F, _F)], **OPTIONS)
def lab_from_floats(rgb: Array, lab: Array) -> None:
    """RGB in 0 to 1 to Lab."""
    for i in range(rgb.shape[1]):
        lab[0, i], lab[1, i], lab[2, i] = arithmetic.lab_of_linear(
            arithmetic.linear_of_companded(rgb[0, i]),
            arithmetic.linear_of_companded(rgb[1, i]),
            arithmetic.linear_of_companded(rgb[2, i]),
        )


@njit([types.void(_U8, _F)], **OPTIONS)
def lightness_from_bytes(rgb: Array, lightness: Array) -> None:
    """RGB bytes to L."""
    for i in range(rgb.shape[1]):
        lightness[0, i] = arithmetic.lightness_of_linear(
            LINEAR_BYTES[rgb[0, i]], LINEAR_BYTES[rgb[1, i]], LINEAR_BYTES[rgb[2, i]]
        )


@njit([types.void(_F, _F)], **OPTIONS)
def lightness_from_floats(rgb: Array, lightness: Array) -> None:
    """RGB in 0 to 1 to L."""
    for i in range(rgb.shape[1]):
        lightness[0, i] = arithmetic.lightness_of_linear(
            arithmetic.linear_of_companded(rgb[0, i]),
            arithmetic.linear_of_companded(rgb[1, i]),
            arithmetic.linear_of_companded(rgb[2, i]),
        )


@njit([types.void(_U8, _F)], **OPTIONS)
def lightness_from_gray_bytes(gray: Array, lightness: Array) -> None:
    """Gray bytes to L."""
    for i in range(gray.shape[1]):
        lightness[0, i] = LIGHTNESS_BYTES[gray[0, i]]


@njit([types.void(_F, _F)], **OPTIONS)
def lightness_from_gray_floats(gray: Array, lightness: Array) -> None:
    """Gray in 0 to 1 to L."""
    for i in range(gray.shape[1]):
        lightness[0, i] = arithmetic.lightness_of_luminance(arithmetic.linear_of_companded(gray[0, i]))


@njit([types.void(_F, _F)], **OPTIONS)
def linear_from_lab(lab: Array, linear: Array) -> None:
    """Lab to linear RGB, which is not clipped."""
    for i in range(lab.shape[1]):
        linear[0, i], linear[1, i], linear[2, i] = arithmetic.linear_of_lab(lab[0, i], lab[1, i], lab[2, i])


@njit(**OPTIONS)
def _find_outside(linear: Array, where: Array) -> int:
    """Write the places of the colours outside the gamut to `where`, and return their number."""
    outside, count = np.empty(_BLOCK, np.int32), 0
    for start in range(0, where.size, _BLOCK):
        red, green, blue = linear[0, start:], linear[1, start:], linear[2, start:]
        found, size = 0, min(_BLOCK, where.size - start)
        for i in range(size):
            outside[i] = arithmetic.is_outside(red[i], green[i], blue[i])
            found += outside[i]
        if found:
            for i in range(size):
                where[count] = start + i
                count += outside[i]
    return count


@njit(**OPTIONS)
def _reduce(lab: Array, where: Array, reduced: Array) -> None:
    """Write the Lab of these places to `reduced`, with less chroma."""
    factor = np.zeros(where.size, np.float32)
    for channel in range(3):
        for i in range(where.size):
            reduced[channel, i] = lab[channel, where[i]]
    for step in _STEPS:
        for i in range(where.size):
            factor[i] = arithmetic.refined_factor(factor[i], step, reduced[0, i], reduced[1, i], reduced[2, i])
    for i in range(where.size):
        reduced[1, i] *= factor[i]
        reduced[2, i] *= factor[i]


@njit([types.void(_F, _F)], **OPTIONS)
def linear_in_gamut(lab: Array, linear: Array) -> None:
    """Lab to linear RGB; colours outside the gamut keep lightness and hue, and lose chroma."""
    linear_from_lab(lab, linear)
    where = np.empty(lab.shape[1], np.int32)
    where = where[: _find_outside(linear, where)]
    reduced = np.empty((3, where.size), np.float32)
    _reduce(lab, where, reduced)
    for i in range(where.size):
        red, green, blue = arithmetic.linear_of_lab(reduced[0, i], reduced[1, i], reduced[2, i])
        linear[0, where[i]], linear[1, where[i]], linear[2, where[i]] = red, green, blue


@njit([types.void(_F, _F)], **OPTIONS)
def in_gamut(lab: Array, reduced: Array) -> None:
    """Lab to Lab; colours outside the gamut lose chroma."""
    linear_from_lab(lab, reduced)
    where = np.empty(lab.shape[1], np.int32)
    where = where[: _find_outside(reduced, where)]
    colors = np.empty((3, where.size), np.float32)
    _reduce(lab, where, colors)
    for channel in range(3):
        for i in range(lab.shape[1]):
            reduced[channel, i] = lab[channel, i]
        for i in range(where.size):
            reduced[channel, where[i]] = colors[channel, i]


@register_jitable(**OPTIONS)
def _interleave(planes: Array, pixels: Array) -> None:
    """Copy planes `(3, N)` to pixels `(3, N)`, which may lie side by side."""
    for i in range(planes.shape[1]):
        pixels[0, i], pixels[1, i], pixels[2, i] = planes[0, i], planes[1, i], planes[2, i]


@njit([types.void(_F, types.float32[:, :])], **OPTIONS)
def floats_from_linear(linear: Array, rgb: Array) -> None:
    """Linear RGB to floats in 0 to 1, clipped."""
    encoded = np.empty(linear.shape, np.float32)
    for channel in range(3):
        for i in range(linear.shape[1]):
            encoded[channel, i] = arithmetic.companded(linear[channel, i])
    _interleave(encoded, rgb)


@njit([types.void(_F, types.uint16[:, :])], **OPTIONS)
def words_from_linear(linear: Array, rgb: Array) -> None:
    """Linear RGB to 16 bits, clipped."""
    encoded = np.empty(linear.shape, np.uint16)
    for channel in range(3):
        for i in range(linear.shape[1]):
            encoded[channel, i] = arithmetic.word_of_linear(linear[channel, i])
    _interleave(encoded, rgb)


@njit([types.void(_F, types.uint8[:, :])], **OPTIONS)
def bytes_from_linear(linear: Array, rgb: Array) -> None:
    """Linear RGB to bytes, clipped."""
    encoded = np.empty(linear.shape, np.uint8)
    for channel in range(3):
        for i in range(linear.shape[1]):
            encoded[channel, i] = arithmetic.byte_of_linear(linear[channel, i])
    _interleave(encoded, rgb)

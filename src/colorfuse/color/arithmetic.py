"""The arithmetic of the conversions, pixel by pixel in float32.

Each function is written once and runs twice: by NumPy on arrays, and compiled on single values. They use nothing but
operations that IEEE 754 rounds in one way, in a fixed order, so both give the same bits on every machine.
"""

from typing import Any, TypeAlias

import numpy as np

from colorfuse.color.constants import EPSILON, FROM_RGB, KAPPA, REACHED, ROUNDED, TO_RGB, linear_of

Values: TypeAlias = Any
"""An array of float32, or, compiled, a single value."""
Conditions: TypeAlias = Any
"""The same of bool."""
Bits: TypeAlias = Any
"""The same of int32."""
Colors: TypeAlias = tuple[Values, Values, Values]

_F = np.float32
_ZERO, _HALF, _ONE, _TWO = _F(0), _F(0.5), _F(1), _F(2)

_X_OF_R, _X_OF_G, _X_OF_B, _Y_OF_R, _Y_OF_G, _Y_OF_B, _Z_OF_R, _Z_OF_G, _Z_OF_B = map(_F, FROM_RGB.flat)
_R_OF_X, _R_OF_Y, _R_OF_Z, _G_OF_X, _G_OF_Y, _G_OF_Z, _B_OF_X, _B_OF_Y, _B_OF_Z = map(_F, TO_RGB.flat)
_OF_LIGHTNESS, _OF_A, _OF_B = _F(116), _F(500), _F(200)
_PER_LIGHTNESS, _PER_A, _PER_B = _F(1 / 116), _F(1 / 500), _F(1 / 200)
_WHITE = _F(100)

_EPSILON, _SLOPE, _OFFSET = _F(EPSILON), _F(KAPPA / 116), _F(16 / 116)
_CURVED_EPSILON, _INVERSE_SLOPE = _F(6 / 29 - 16 / 116), _F(116 / KAPPA)

_THIRD, _CUBE_ROOT_BITS = _F(1 / 3), np.int32(709_921_077)
_FIFTH, _FIFTH_ROOT_BITS = _F(1 / 5), np.int32(1_277_782_000)
_SIX = _F(6)
_COMPANDED_LINE, _LINEAR_LINE = _F(0.04045), _F(0.0031308)
_TWELVE, _PER_TWELVE = _F(12.92), _F(1 / 12.92)
_SCALE, _PER_SCALE, _SHIFT = _F(1.055), _F(1 / 1.055), _F(0.055)

_CELLS = 4096
"""Cells of linear values from 0 to 1, each of which holds the edge of at most one byte."""
_WORDS = _F(65535)


_EDGES = linear_of((np.arange(255) + 0.5) / 255).astype(np.float32)
"""The linear value at which each byte ends and the next begins."""
_ENDS = np.append(_EDGES, np.float32(np.inf))
_BYTE_OF_CELL = np.searchsorted(_EDGES, np.arange(_CELLS + 1) / _CELLS, side="right").astype(np.int32)


# --- What NumPy and the compiler write in different ways ---


def select(condition: Conditions, values: Values, others: Values) -> Values:
    """Values where a condition holds, and others elsewhere."""
    return np.where(condition, values, others)


def bits_of(values: Values) -> Bits:
    """The bits of float32 as int32."""
    return values.view(np.int32)


def of_bits(bits: Bits) -> Values:
    """The float32 that some bits mean."""
    return bits.view(np.float32)


# --- Roots: dividing the exponent comes near, and each step at least doubles the true digits ---


def _cube_root(positive: Values) -> Values:
    root = of_bits(np.int32(_F(bits_of(positive)) * _THIRD) + _CUBE_ROOT_BITS)
    cube = root * root * root
    root = root * (cube + _TWO * positive) / (_TWO * cube + positive)
    cube = root * root * root
    return root * (cube + _TWO * positive) / (_TWO * cube + positive)


def _inverse_fifth_root_step(root: Values, positive: Values) -> Values:
    square = root * root
    return root * (_SIX - positive * (square * square * root)) * _FIFTH


def _power_2_4(positive: Values) -> Values:
    root = of_bits(_FIFTH_ROOT_BITS - np.int32(_F(bits_of(positive)) * _FIFTH))
    root = _inverse_fifth_root_step(root, positive)
    root = _inverse_fifth_root_step(root, positive)
    root = _inverse_fifth_root_step(root, positive)
    root = _inverse_fifth_root_step(root, positive)
    product = positive * root
    return product * product * product


# --- sRGB ---


def linear_of_companded(value: Values) -> Values:
    """The linear value of an sRGB value in 0 to 1."""
    above = select(value > _COMPANDED_LINE, value, _COMPANDED_LINE)
    return select(value > _COMPANDED_LINE, _power_2_4((above + _SHIFT) * _PER_SCALE), value * _PER_TWELVE)


def companded(linear: Values) -> Values:
    """The sRGB value of a linear value, clipped to 0 to 1."""
    linear = _clipped(linear)
    above = select(linear > _LINEAR_LINE, linear, _LINEAR_LINE)
    power = np.sqrt(np.sqrt(above)) * np.sqrt(_cube_root(above))  # 1/2.4 is 1/4 + 1/6
    return _clipped(select(linear > _LINEAR_LINE, _SCALE * power - _SHIFT, linear * _TWELVE))


def byte_of_linear(linear: Values) -> Bits:
    """The byte of a linear value, clipped and rounded."""
    linear = _clipped(linear)
    byte = _BYTE_OF_CELL[np.int32(linear * _F(_CELLS))]
    return byte + (linear >= _ENDS[byte])


def word_of_linear(linear: Values) -> Values:
    """The 16-bit value of a linear value, clipped and rounded."""
    return np.uint16(companded(linear) * _WORDS + _HALF)


def _clipped(value: Values) -> Values:
    positive = select(value > _ZERO, value, _ZERO)  # and not NaN
    return select(positive < _ONE, positive, _ONE)


# --- CIELAB; f is CIE's curve minus its value for black, 16/116, so L is 116 f(Y) ---


def lightness_of_linear(red: Values, green: Values, blue: Values) -> Values:
    """L of linear RGB."""
    return lightness_of_luminance(_Y_OF_R * red + _Y_OF_G * green + _Y_OF_B * blue)


def lightness_of_luminance(luminance: Values) -> Values:
    """L of Y in 0 to 1."""
    return _OF_LIGHTNESS * _curved(luminance)


def lab_of_linear(red: Values, green: Values, blue: Values) -> Colors:
    """Lab of linear RGB."""
    x = _curved(_X_OF_R * red + _X_OF_G * green + _X_OF_B * blue)
    y = _curved(_Y_OF_R * red + _Y_OF_G * green + _Y_OF_B * blue)
    z = _curved(_Z_OF_R * red + _Z_OF_G * green + _Z_OF_B * blue)
    return _OF_LIGHTNESS * y, _OF_A * (x - y), _OF_B * (y - z)


def linear_of_lab(lightness: Values, a: Values, b: Values) -> Colors:
    """Linear RGB of Lab, which is not clipped."""
    curved = lightness * _PER_LIGHTNESS
    x, y, z = _uncurved(curved + a * _PER_A), _uncurved(curved), _uncurved(curved - b * _PER_B)
    red = _R_OF_X * x + _R_OF_Y * y + _R_OF_Z * z
    green = _G_OF_X * x + _G_OF_Y * y + _G_OF_Z * z
    blue = _B_OF_X * x + _B_OF_Y * y + _B_OF_Z * z
    return red, green, blue


def is_outside(red: Values, green: Values, blue: Values) -> Conditions:
    """Whether linear RGB is outside the sRGB gamut, by more than rounding."""
    return _is_beyond(red, green, blue, _HALF + _F(ROUNDED))


def refined_factor(factor: Values, step: np.float32, lightness: Values, a: Values, b: Values) -> Values:
    """Add a step to a factor of a and b, if the colour is in the gamut with it; black and white have none."""
    more = factor + step
    red, green, blue = linear_of_lab(lightness, more * a, more * b)
    beyond = _is_beyond(red, green, blue, _HALF + _F(REACHED))
    return select((lightness > _ZERO) & (lightness < _WHITE), select(beyond, factor, more), _ZERO)


def _is_beyond(red: Values, green: Values, blue: Values, limit: np.float32) -> Conditions:
    return (abs(red - _HALF) > limit) | (abs(green - _HALF) > limit) | (abs(blue - _HALF) > limit)


def _curved(value: Values) -> Values:
    above = select(value > _EPSILON, value, _EPSILON)
    return select(value > _EPSILON, _cube_root(above) - _OFFSET, value * _SLOPE)


def _uncurved(value: Values) -> Values:
    root = value + _OFFSET
    return select(value > _CURVED_EPSILON, root * root * root, value * _INVERSE_SLOPE)

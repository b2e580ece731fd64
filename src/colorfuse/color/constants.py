"""Constants of sRGB and CIELAB; the matrices and tables are float64 arrays."""

import numpy as np
from numpy.typing import NDArray

EPSILON = 216 / 24389
KAPPA = 24389 / 27

_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_WHITE = (0.3127, 0.3290)


def _xyz_of_chromaticity(x: float, y: float) -> list[float]:
    return [x / y, 1.0, (1 - x - y) / y]


_primaries_xyz = np.array([_xyz_of_chromaticity(*xy) for xy in _PRIMARIES]).T
_white_xyz = np.array(_xyz_of_chromaticity(*_WHITE))

FROM_RGB = _primaries_xyz * np.linalg.solve(_primaries_xyz, _white_xyz) / _white_xyz[:, None]
"""Matrix from linear RGB to XYZ divided by the white point; each row sums to 1."""
TO_RGB = np.linalg.inv(FROM_RGB)

# Matrix from f(X), f(Y), f(Z) to L, a, b. f is CIE's curve minus its value for black, 16/116, so L is 116 f(Y).
FROM_CURVED = np.array([[0.0, 116, 0], [500, -500, 0], [0, 200, -200]])
TO_CURVED = np.linalg.inv(FROM_CURVED)


def linear_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The linear values of those of sRGB, both in 0 to 1."""
    return np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)


LINEAR_OF_BYTE = linear_of(np.arange(256) / 255)
"""The linear value of each byte."""

_curved = np.where(LINEAR_OF_BYTE > EPSILON, np.cbrt(LINEAR_OF_BYTE) - 16 / 116, LINEAR_OF_BYTE * KAPPA / 116)
LIGHTNESS_OF_BYTE = 116 * _curved
"""The L of each gray byte."""

ROUNDED = 2e-6
"""How far linear values of a colour of sRGB may lie outside 0 to 1 by float32 rounding; they do by up to 1.6e-6."""
REACHED = 1e-6
"""How far they may for a colour that is brought inside."""

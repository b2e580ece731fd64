"""Conversions between sRGB and CIELAB on tensors.

Colours are sRGB after IEC 61966-2-1; CIELAB is that of CIE 15:2018, section 8.2.1, for D65 and the 2 degree
observer, with the exact constants 216/24389 and 24389/27. The white point is that of the sRGB
primaries, so every neutral gray has a = b = 0.
"""

import torch
from torch import Tensor

_EPSILON = 216 / 24389
_KAPPA = 24389 / 27
_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_WHITE = (0.3127, 0.3290)


def _xyz_of_chromaticity(x: float, y: float) -> list[float]:
    return [x / y, 1.0, (1 - x - y) / y]


def _rgb_to_relative_xyz() -> Tensor:
    """The matrix from linear RGB to XYZ divided by the white point; each of its rows adds up to 1."""
    primaries = torch.tensor([_xyz_of_chromaticity(*xy) for xy in _PRIMARIES], dtype=torch.float64).T
    white = torch.tensor(_xyz_of_chromaticity(*_WHITE), dtype=torch.float64)
    matrix: Tensor = primaries * torch.linalg.solve(primaries, white) / white[:, None]
    return matrix


_FROM_RGB = _rgb_to_relative_xyz()
_TO_RGB = torch.linalg.inv(_FROM_RGB)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIELAB.

    Args:
        rgb: Images `(*, 3, H, W)`, floats in 0 to 1 or bytes in 0 to 255.

    Returns:
        Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units; float32 for bytes, else the dtype of `rgb`.
        Half precision is computed in float32. Gradients are finite everywhere.

    Raises:
        ValueError: The third dimension from the end has not 3 channels.
        TypeError: The dtype is neither a float nor uint8.

    Example:
        >>> rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)).flatten().round().tolist()
        [53.0, 80.0, 67.0]
    """
    linear = _linear(_working(rgb, channels=3))
    x, y, z = (_lab_curve(t) for t in _multiply(_FROM_RGB, linear).unbind(-3))
    lab = torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=-3)
    return lab.to(rgb.dtype) if rgb.is_floating_point() else lab


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert CIELAB to sRGB; colours that sRGB has not are clipped channel by channel.

    Args:
        lab: Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units, in any floating dtype.

    Returns:
        Images `(*, 3, H, W)` in 0 to 1, in the dtype of `lab`. Half precision is computed in float32.

    Raises:
        ValueError: The third dimension from the end has not 3 channels.
        TypeError: The dtype is not a float.

    Example:
        >>> lab_to_rgb(torch.tensor([100.0, 0.0, 0.0]).reshape(3, 1, 1)).flatten().round(decimals=4).tolist()
        [1.0, 1.0, 1.0]
    """
    return _companded(_linear_from_lab(_working_lab(lab))).clamp(0, 1).to(lab.dtype)


def reduce_chroma(lab: Tensor) -> Tensor:
    """Bring colours that sRGB has not into it by reducing their chroma at constant lightness and hue.

    Clipping such a colour instead changes its lightness as well, and a photo's detail with it.

    Args:
        lab: Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units, in any floating dtype.

    Returns:
        Lab of the same shape and dtype. Colours that sRGB has stay as they are; of the others, a and b are scaled by
        the greatest factor, to 1/4096, that makes them one of sRGB's.

    Raises:
        ValueError: The third dimension from the end has not 3 channels.
        TypeError: The dtype is not a float.

    Example:
        >>> vivid = torch.tensor([50.0, 100.0, 0.0]).reshape(3, 1, 1)
        >>> reduce_chroma(vivid).flatten().round().tolist()
        [50.0, 79.0, 0.0]
    """
    working = _working_lab(lab)
    pixels = working.movedim(-3, 0).flatten(1)
    outside = ~_in_gamut(pixels[..., None])
    if not outside.any():
        return lab
    beyond = pixels[:, outside[:, 0], None]
    factor = _greatest_factor(beyond.detach())
    reduced = torch.cat([beyond[:1], beyond[1:] * factor])
    result = pixels.masked_scatter(outside.T, reduced).unflatten(1, (*working.shape[:-3], *working.shape[-2:]))
    return result.movedim(0, -3).to(lab.dtype)


def gray_to_lightness(gray: Tensor) -> Tensor:
    """CIELAB lightness of gray sRGB values, the L that `rgb_to_lab` gives for three equal channels.

    Args:
        gray: Gray images `(*, 1, H, W)`, floats in 0 to 1 or bytes in 0 to 255.

    Returns:
        L `(*, 1, H, W)` in 0 to 100; float32 for bytes, else the dtype of `gray`.

    Raises:
        ValueError: The third dimension from the end has not 1 channel.
        TypeError: The dtype is neither a float nor uint8.

    Example:
        >>> gray_to_lightness(torch.tensor([[[0, 255]]], dtype=torch.uint8)).tolist()
        [[[0.0, 100.0]]]
    """
    lightness = 116 * _lab_curve(_linear(_working(gray, channels=1))) - 16
    return lightness.to(gray.dtype) if gray.is_floating_point() else lightness


def _working(values: Tensor, channels: int) -> Tensor:
    """The values as float32 or float64, bytes brought to 0 to 1."""
    if values.ndim < 3 or values.shape[-3] != channels:
        raise ValueError(f"expected a tensor of shape (*, {channels}, H, W), not {tuple(values.shape)}")
    if values.dtype == torch.uint8:
        return values.to(torch.float32) / 255
    if not values.is_floating_point():
        raise TypeError(f"expected floats in 0 to 1 or uint8, not {values.dtype}")
    return values if values.dtype == torch.float64 else values.to(torch.float32)


def _working_lab(lab: Tensor) -> Tensor:
    if not lab.is_floating_point():
        raise TypeError(f"Lab must be floats with L in 0 to 100, not {lab.dtype}")
    return _working(lab, channels=3)


def _linear_from_lab(lab: Tensor) -> Tensor:
    """Linear RGB, also beyond 0 to 1."""
    lightness, a, b = lab.unbind(-3)
    y = (lightness + 16) / 116
    return _multiply(_TO_RGB, torch.stack([_inverse_lab_curve(f) for f in (y + a / 500, y, y - b / 200)], dim=-3))


def _in_gamut(lab: Tensor) -> Tensor:
    """Whether sRGB has each colour of `(3, H, W)`, but for what float32 rounds."""
    return (_linear_from_lab(lab) - 0.5).abs().amax(dim=-3) <= 0.5 + 1e-6


def _greatest_factor(lab: Tensor) -> Tensor:
    """The greatest factor of a and b, by bisection, that leaves each colour of `(3, H, W)` in the gamut."""
    low, step = torch.zeros_like(lab[0]), 0.5
    while step > 1 / 8192:
        tried = low + step
        low = torch.where(_in_gamut(torch.cat([lab[:1], lab[1:] * tried])), tried, low)
        step /= 2
    return low


def _multiply(matrix: Tensor, channels: Tensor) -> Tensor:
    return torch.einsum("ij,...jhw->...ihw", matrix.to(channels), channels)


# Each curve is a power above a threshold and a line below. The power sees only values above the threshold, since
# its gradient elsewhere is infinite or undefined, and `where` would turn it into NaN.


def _linear(rgb: Tensor) -> Tensor:
    power = ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(rgb > 0.04045, power, rgb / 12.92)


def _companded(linear: Tensor) -> Tensor:
    power = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, power, linear * 12.92)


def _lab_curve(t: Tensor) -> Tensor:
    power = t.clamp(min=_EPSILON) ** (1 / 3)
    return torch.where(t > _EPSILON, power, (_KAPPA * t + 16) / 116)


def _inverse_lab_curve(f: Tensor) -> Tensor:
    return torch.where(f > 6 / 29, f**3, (116 * f - 16) / _KAPPA)

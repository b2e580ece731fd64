"""Conversions of pixels `(*, C, N)` by torch operations, which are differentiable, exportable, and run on any device.

They are computed and returned in float32, or in float64 for float64.
"""

import torch
from torch import Tensor

from colorfuse.color.constants import (
    EPSILON,
    FROM_CURVED,
    FROM_RGB,
    KAPPA,
    LINEAR_OF_BYTE,
    REACHED,
    ROUNDED,
    TO_CURVED,
    TO_RGB,
)

_FROM_RGB, _TO_RGB = torch.from_numpy(FROM_RGB), torch.from_numpy(TO_RGB)
_FROM_CURVED, _TO_CURVED = torch.from_numpy(FROM_CURVED), torch.from_numpy(TO_CURVED)
_LINEAR_OF_BYTE = torch.from_numpy(LINEAR_OF_BYTE).float()


def lab_from_rgb(rgb: Tensor) -> Tensor:
    """Bytes, or floats in 0 to 1, to Lab."""
    linear = _linear(rgb)
    lab: Tensor = _FROM_CURVED.to(linear) @ _lab_curve(_FROM_RGB.to(linear) @ linear)
    return lab


def lightness_from_gray(gray: Tensor) -> Tensor:
    """Gray bytes, or floats in 0 to 1, to L."""
    return lightness_from_linear(_linear(gray))


def lightness_from_linear(luminance: Tensor) -> Tensor:
    """Y in 0 to 1, which is linear in light, to L."""
    return 116 * _lab_curve(luminance)


def linear_from_lab(lab: Tensor) -> Tensor:
    """Lab to linear RGB, which is not clipped to 0 to 1."""
    linear: Tensor = _TO_RGB.to(lab) @ _inverse_lab_curve(_TO_CURVED.to(lab) @ lab)
    return linear


def rgb_from_lab(lab: Tensor) -> Tensor:
    """Lab to floats in 0 to 1, clipped."""
    return _companded(linear_from_lab(_working(lab))).clamp(0, 1)


def bytes_from_lab(lab: Tensor) -> Tensor:
    """Lab to floats that become rounded bytes when truncated."""
    return rgb_from_lab(lab).mul(255).add(0.5)


def with_reduced_chroma(lab: Tensor) -> Tensor:
    """Lab to Lab in the gamut."""
    lightness, ab = _working(lab).split((1, 2), dim=-2)
    fixed = _working(lab.detach())
    factor = torch.where(_in_gamut(fixed, ROUNDED), 1.0, _greatest_factor(fixed))
    return torch.cat([lightness, ab * factor.unsqueeze(-2)], dim=-2)


def _greatest_factor(lab: Tensor) -> Tensor:
    """Find, by bisection, the greatest factor of a and b that keeps each colour in the gamut."""
    lightness, ab = lab.split((1, 2), dim=-2)
    factor, step = torch.zeros_like(lightness), 0.5
    while step > 1 / 8192:
        inside = _in_gamut(torch.cat([lightness, ab * (factor + step)], dim=-2)).unsqueeze(-2)
        factor = torch.where(inside, factor + step, factor)
        step /= 2
    return factor.squeeze(-2)


def _in_gamut(lab: Tensor, tolerance: float = REACHED) -> Tensor:
    """Whether each colour is in the sRGB gamut, up to a tolerance of its linear values."""
    return (linear_from_lab(lab) - 0.5).abs().amax(dim=-2) <= 0.5 + tolerance


def _working(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.to(torch.float32)


# --- Curves: each a power above a threshold and a line below. The powers see only values clamped to their threshold,
# since their gradients below it can be infinite or undefined, and selecting the line would turn these into NaN. ---


def _linear(rgb: Tensor) -> Tensor:
    if rgb.dtype == torch.uint8:
        return _LINEAR_OF_BYTE.to(rgb.device).index_select(0, rgb.flatten().long()).view(rgb.shape)
    rgb = _working(rgb)
    return torch.where(rgb > 0.04045, ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def _companded(linear: Tensor) -> Tensor:
    # The clamped power lies above the line below the threshold and under the line above it, so the minimum of both is
    # the curve. At the threshold, the standard's rounded constants leave a step of 3e-8.
    return torch.minimum(1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, linear * 12.92)


def _lab_curve(t: Tensor) -> Tensor:
    # CIE's f(t) minus its value for black, 16/116. The line touches the cube root at the threshold. Beyond that, it
    # lies above the cube root; before, it lies below the clamped cube root. So the minimum of both is the curve.
    return torch.minimum(t.clamp(min=EPSILON) ** (1 / 3) - 16 / 116, t * (KAPPA / 116))


def _inverse_lab_curve(f: Tensor) -> Tensor:
    # Cube and line meet at the threshold. Both are clamped there, so their sum is the cube above and the line below.
    threshold = 6 / 29 - 16 / 116
    return (f.clamp(min=threshold) + 16 / 116) ** 3 + (f.clamp(max=threshold) - threshold) * (116 / KAPPA)

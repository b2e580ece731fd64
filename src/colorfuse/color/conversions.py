"""Conversions of images, by torch formulas or, for ordinary CPU tensors of single precision, by kernels."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from colorfuse.color import formulas, kernels
from colorfuse.color.mapping import Kernel, map_pixels
from colorfuse.color.precision import full_precision
from colorfuse.color.units import warn_of_bytes
from colorfuse.compiled import is_plain

_HALF = (torch.float16, torch.bfloat16)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB to CIELAB.

    Args:
        rgb: Images `(*, 3, H, W)`, floats in 0 to 1 or bytes in 0 to 255.

    Returns:
        Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units; float32 for bytes, else the dtype of `rgb`.
        Half precision is computed in float32. Gradients are finite everywhere.

    Raises:
        ValueError: The third dimension from the end does not have 3 channels.
        TypeError: The dtype is neither a float nor uint8.

    Example:
        >>> rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)).flatten().round().tolist()
        [53.0, 80.0, 67.0]
    """
    _check(rgb, channels=3, also_bytes=True)
    if is_plain(rgb):
        warn_of_bytes(rgb)
    kernel = kernels.lab_from_bytes if rgb.dtype == torch.uint8 else kernels.lab_from_floats
    return _convert(rgb, _float_dtype(rgb), formulas.lab_from_rgb, kernel)


def lab_to_rgb(lab: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
    """Convert CIELAB to sRGB; colours outside the sRGB gamut are clipped in each channel.

    `reduce_chroma` brings such colours into the gamut without changing their lightness.

    Args:
        lab: Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units, in any floating dtype.
        dtype: A floating dtype, or uint8 for bytes; by default that of `lab`.

    Returns:
        Images `(*, 3, H, W)`, floats in 0 to 1 or bytes. Half precision is computed in float32. Gradients are finite
        everywhere.

    Raises:
        ValueError: The third dimension from the end does not have 3 channels.
        TypeError: The dtype of `lab` is not a float, or `dtype` is neither a float nor uint8.

    Example:
        >>> lab_to_rgb(torch.tensor([100.0, 0.0, 0.0]).reshape(3, 1, 1), dtype=torch.uint8).flatten().tolist()
        [255, 255, 255]
    """
    _check(lab, channels=3, also_bytes=False)
    dtype = dtype or lab.dtype
    if dtype == torch.uint8:
        return _convert(lab, dtype, formulas.bytes_from_lab, kernels.linear_from_lab, kernels.bytes_from_linear)
    if not dtype.is_floating_point:
        raise TypeError(f"RGB can be floats or torch.uint8, not {dtype}")
    return _convert(lab, dtype, formulas.rgb_from_lab, kernels.linear_from_lab, kernels.floats_from_linear)


def reduce_chroma(lab: Tensor) -> Tensor:
    """Bring colours into the sRGB gamut by reducing their chroma at constant lightness and hue.

    Clipping would also change their lightness, and with it the detail of a photo.

    Args:
        lab: Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units, in any floating dtype.

    Returns:
        Lab of the same shape and dtype. Colours in the gamut are unchanged. For the others, a and b are scaled by the
        greatest factor, to within 1/4096, that brings them into the gamut, or by 0 if none does, as for L outside 0
        to 100.

    Raises:
        ValueError: The third dimension from the end does not have 3 channels.
        TypeError: The dtype is not a float.

    Example:
        >>> vivid = torch.tensor([50.0, 100.0, 0.0]).reshape(3, 1, 1)
        >>> reduce_chroma(vivid).flatten().round().tolist()
        [50.0, 79.0, 0.0]
    """
    _check(lab, channels=3, also_bytes=False)
    return _convert(lab, lab.dtype, formulas.with_reduced_chroma, kernels.in_gamut)


def gray_to_lightness(gray: Tensor) -> Tensor:
    """CIELAB lightness of gray sRGB values, the L that `rgb_to_lab` gives for three equal channels.

    Args:
        gray: Gray images `(*, 1, H, W)`, floats in 0 to 1 or bytes in 0 to 255.

    Returns:
        L `(*, 1, H, W)` in 0 to 100; float32 for bytes, else the dtype of `gray`.

    Raises:
        ValueError: The third dimension from the end does not have 1 channel.
        TypeError: The dtype is neither a float nor uint8.

    Example:
        >>> gray_to_lightness(torch.tensor([[[0, 255]]], dtype=torch.uint8)).tolist()
        [[[0.0, 100.0]]]
    """
    _check(gray, channels=1, also_bytes=True)
    if is_plain(gray):
        warn_of_bytes(gray)
    kernel = kernels.lightness_from_gray_bytes if gray.dtype == torch.uint8 else kernels.lightness_from_gray_floats
    return _convert(gray, _float_dtype(gray), formulas.lightness_from_gray, kernel)


class RgbToLab(nn.Module):
    """`rgb_to_lab` as a module, for a pipeline of transforms or the inside of a network.

    Example:
        >>> pipeline = nn.Sequential(RgbToLab(), LabToRgb())
        >>> pipeline(torch.full((1, 3, 1, 1), 0.5)).flatten().round(decimals=3).tolist()
        [0.5, 0.5, 0.5]
    """

    def forward(self, rgb: Tensor) -> Tensor:
        """Lab `(*, 3, H, W)`, L in 0 to 100, of images `(*, 3, H, W)`, floats in 0 to 1 or bytes."""
        return rgb_to_lab(rgb)


class LabToRgb(nn.Module):
    """`lab_to_rgb` as a module: colours outside the sRGB gamut are clipped.

    Example:
        >>> LabToRgb()(torch.tensor([100.0, 0.0, 0.0]).reshape(1, 3, 1, 1)).flatten().round(decimals=3).tolist()
        [1.0, 1.0, 1.0]
    """

    def forward(self, lab: Tensor) -> Tensor:
        """Images `(*, 3, H, W)`, floats in 0 to 1, of Lab `(*, 3, H, W)`."""
        return lab_to_rgb(lab)


def _check(images: Tensor, *, channels: int, also_bytes: bool) -> None:
    if images.ndim < 3 or images.shape[-3] != channels:
        raise ValueError(f"expected a tensor of shape (*, {channels}, H, W), not {tuple(images.shape)}")
    if not images.is_floating_point() and not (also_bytes and images.dtype == torch.uint8):
        raise TypeError(f"expected floats{' in 0 to 1 or uint8' if also_bytes else ''}, not {images.dtype}")


def _float_dtype(images: Tensor) -> torch.dtype:
    return images.dtype if images.is_floating_point() else torch.float32


def _convert(images: Tensor, dtype: torch.dtype, formula: Callable[[Tensor], Tensor], *steps: Kernel) -> Tensor:
    """Convert images by kernels, one after another, if they can, and else by a formula."""
    if is_plain(images) and images.numel() and torch.float64 not in (images.dtype, dtype):
        channels, kept = images.shape[-3], dtype if dtype == torch.uint8 else torch.float32
        return map_pixels(steps, images.float() if images.dtype in _HALF else images, kept, channels).to(dtype)
    with full_precision(images.device.type):
        converted: Tensor = formula(images.flatten(-2)).to(dtype).unflatten(-1, images.shape[-2:])
    return converted

"""Conversions between sRGB and CIELAB on tensors.

Colours are sRGB after IEC 61966-2-1; CIELAB is that of CIE 15:2018, section 8.2.1, for D65 and the 2 degree
observer, with the exact constants 216/24389 and 24389/27. The white point is that of the sRGB primaries, so every
neutral gray has a = b = 0.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

_EPSILON = 216 / 24389
_KAPPA = 24389 / 27
_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_WHITE = (0.3127, 0.3290)
_PIXELS_AT_ONCE = 32_768
"""As many as leave all that is computed of them in a core's cache."""


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
_FROM_CURVED = torch.tensor([[0, 116, 0], [500, -500, 0], [0, 200, -200]], dtype=torch.float64)
_TO_CURVED = torch.linalg.inv(_FROM_CURVED)


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
    _check(rgb, channels=3, also_bytes=True)
    return _map_pixels(_lab_from_rgb, rgb, _float_dtype(rgb))


def lab_to_rgb(lab: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:
    """Convert CIELAB to sRGB; colours that sRGB has not are clipped channel by channel.

    `reduce_chroma` brings such colours in with their lightness kept.

    Args:
        lab: Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units, in any floating dtype.
        dtype: A floating dtype, or uint8 for bytes; by default that of `lab`.

    Returns:
        Images `(*, 3, H, W)`, floats in 0 to 1 or bytes. Half precision is computed in float32. Gradients are finite
        everywhere.

    Raises:
        ValueError: The third dimension from the end has not 3 channels.
        TypeError: The dtype of `lab` is not a float, or `dtype` is neither a float nor uint8.

    Example:
        >>> lab_to_rgb(torch.tensor([100.0, 0.0, 0.0]).reshape(3, 1, 1), dtype=torch.uint8).flatten().tolist()
        [255, 255, 255]
    """
    _check(lab, channels=3, also_bytes=False)
    dtype = dtype or lab.dtype
    if dtype == torch.uint8:
        return _map_pixels(lambda pixels: _rgb_from_lab(pixels).mul(255).add(0.5), lab, dtype)
    if not dtype.is_floating_point:
        raise TypeError(f"RGB can be floats or torch.uint8, not {dtype}")
    return _map_pixels(_rgb_from_lab, lab, dtype)


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
    _check(lab, channels=3, also_bytes=False)
    return _map_pixels(_with_reduced_chroma, lab, lab.dtype)


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
    _check(gray, channels=1, also_bytes=True)
    return _map_pixels(lambda pixels: 116 * _lab_curve(_linear(pixels)), gray, _float_dtype(gray))


class RgbToLab(nn.Module):
    """`rgb_to_lab` as a module."""

    def forward(self, rgb: Tensor) -> Tensor:
        """Lab `(*, 3, H, W)` of images `(*, 3, H, W)`."""
        return rgb_to_lab(rgb)


class LabToRgb(nn.Module):
    """`lab_to_rgb` as a module."""

    def forward(self, lab: Tensor) -> Tensor:
        """Images `(*, 3, H, W)` of Lab `(*, 3, H, W)`."""
        return lab_to_rgb(lab)


def _check(images: Tensor, *, channels: int, also_bytes: bool) -> None:
    if images.ndim < 3 or images.shape[-3] != channels:
        raise ValueError(f"expected a tensor of shape (*, {channels}, H, W), not {tuple(images.shape)}")
    if not images.is_floating_point() and not (also_bytes and images.dtype == torch.uint8):
        raise TypeError(f"expected floats{' in 0 to 1 or uint8' if also_bytes else ''}, not {images.dtype}")


def _float_dtype(images: Tensor) -> torch.dtype:
    return images.dtype if images.is_floating_point() else torch.float32


# --- Over images: a function of pixels `(*, C, N)` applied to images `(*, C, H, W)` ---


def _map_pixels(function: Callable[[Tensor], Tensor], images: Tensor, dtype: torch.dtype) -> Tensor:
    """Apply `function`; where nothing has to follow the computation, a few rows at a time, on all threads.

    A photo of many megapixels then takes no more memory than its result, and its parts stay in the cache.
    """
    if not _is_plain(images) or images.numel() == 0:
        with torch.autocast(images.device.type, enabled=False):  # which would multiply matrices in half precision
            followed: Tensor = function(images.flatten(-2)).to(dtype).unflatten(-1, images.shape[-2:])
        return followed
    batch = images.detach()[None].flatten(0, -4)
    result = _empty_like(batch, dtype)
    rows = max(1, _PIXELS_AT_ONCE // max(1, batch.shape[-1]))
    parts = [(index, top) for index in range(len(batch)) for top in range(0, batch.shape[-2], rows)]

    def convert(share: list[tuple[int, int]]) -> None:
        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            for index, top in share:
                pixels = batch[index, :, top : top + rows]
                result[index, :, top : top + rows] = function(pixels.flatten(1)).unflatten(1, pixels.shape[1:])

    threads = min(torch.get_num_threads(), len(parts))
    if threads <= 1:
        convert(parts)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(convert, (parts[thread::threads] for thread in range(threads))))
    return result.reshape(images.shape)


def _empty_like(images: Tensor, dtype: torch.dtype) -> Tensor:
    """`torch.empty_like` in memory from NumPy, which asks for huge pages: large photos are filled much faster."""
    layout = torch.empty_like(images, dtype=dtype, device="meta")
    memory = np.empty(layout.nbytes, np.uint8)
    return torch.from_numpy(memory).view(dtype).as_strided(layout.shape, layout.stride())


def _is_plain(values: Tensor) -> bool:
    """Whether these are just numbers in memory, of which no derivative, graph or batch is being made."""
    return (
        not torch.compiler.is_compiling()
        and values.device.type == "cpu"
        and type(values) is Tensor
        and not (values.requires_grad and torch.is_grad_enabled())
        and forward_ad.unpack_dual(values).tangent is None
        and not torch._C._functorch.is_functorch_wrapped_tensor(values)
    )


# --- Over pixels: `(*, C, N)` in any dtype; results are float32, or float64 for float64 ---


def _lab_from_rgb(rgb: Tensor) -> Tensor:
    linear = _linear(rgb)
    lab: Tensor = _FROM_CURVED.to(linear) @ _lab_curve(_FROM_RGB.to(linear) @ linear)
    return lab


def _rgb_from_lab(lab: Tensor) -> Tensor:
    return _companded(_linear_from_lab(_working(lab))).clamp(0, 1)


def _linear_from_lab(lab: Tensor) -> Tensor:
    """Linear RGB, also beyond 0 to 1."""
    linear: Tensor = _TO_RGB.to(lab) @ _inverse_lab_curve(_TO_CURVED.to(lab) @ lab)
    return linear


def _with_reduced_chroma(lab: Tensor) -> Tensor:
    lightness, ab = _working(lab).split((1, 2), dim=-2)
    return torch.cat([lightness, ab * _chroma_factor(_working(lab.detach())).unsqueeze(-2)], dim=-2)


def _chroma_factor(lab: Tensor) -> Tensor:
    """The factor of a and b that brings each colour into the gamut."""
    inside = _in_gamut(lab)
    if not _is_plain(lab):
        return torch.where(inside, 1.0, _greatest_factor(lab))
    factor = torch.ones_like(lab[..., 0, :])
    if not inside.all():
        factor[~inside] = _greatest_factor(lab.movedim(-2, 0)[:, ~inside])
    return factor


def _in_gamut(lab: Tensor) -> Tensor:
    """Whether sRGB has each colour, but for what float32 rounds."""
    return (_linear_from_lab(lab) - 0.5).abs().amax(dim=-2) <= 0.5 + 1e-6


def _greatest_factor(lab: Tensor) -> Tensor:
    """The greatest factor of a and b, by bisection, that leaves each colour in the gamut."""
    lightness, ab = lab.split((1, 2), dim=-2)
    low, step = torch.zeros_like(lightness), 0.5
    while step > 1 / 8192:
        tried = low + step
        inside = _in_gamut(torch.cat([lightness, ab * tried], dim=-2)).unsqueeze(-2)
        low = torch.where(inside, tried, low)
        step /= 2
    return low.squeeze(-2)


# --- Curves: each a power above a threshold and a line below. The powers see only values above their threshold, since
# their gradients elsewhere are infinite or undefined, and choosing the line would turn that into NaN. ---


def _working(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.to(torch.float32)


def _linear(rgb: Tensor) -> Tensor:
    if rgb.dtype == torch.uint8:
        return _LINEAR_OF_BYTE.to(rgb.device).index_select(0, rgb.flatten().int()).view(rgb.shape)
    rgb = _working(rgb)
    return torch.where(rgb > 0.04045, _power((rgb.clamp(min=0.04045) + 0.055) / 1.055, 2.4), rgb / 12.92)


def _companded(linear: Tensor) -> Tensor:
    # Below the threshold the power lies above the line, beyond it under the line, but for a step of 3e-8 there that
    # the standard's rounded constants leave; so the lesser one is the right one.
    return torch.minimum(1.055 * _power(linear.clamp(min=0.0031308), 1 / 2.4) - 0.055, linear * 12.92)


# CIE's f(t), less its value 16/116 for black: L is then 116 f(y), and the line goes through zero.


def _lab_curve(t: Tensor) -> Tensor:
    # The line touches the cube root at the threshold and lies above it elsewhere, so the lesser one is the right one.
    return torch.minimum(_cube_root(t.clamp(min=_EPSILON)) - 16 / 116, t * (_KAPPA / 116))


def _inverse_lab_curve(f: Tensor) -> Tensor:
    # The line touches the cube at the threshold, so each goes on from there where the other stops.
    threshold = 6 / 29 - 16 / 116
    return (f.clamp(min=threshold) + 16 / 116) ** 3 + (f.clamp(max=threshold) - threshold) * (116 / _KAPPA)


# NumPy's powers are several times as fast as torch's on the CPU.


def _power(values: Tensor, exponent: float) -> Tensor:
    return torch.from_numpy(np.power(values.numpy(), exponent)) if _is_plain(values) else values**exponent


def _cube_root(values: Tensor) -> Tensor:
    return torch.from_numpy(np.cbrt(values.numpy())) if _is_plain(values) else values ** (1 / 3)


_LINEAR_OF_BYTE = _linear(torch.arange(256, dtype=torch.float64) / 255).float()

"""Coding of Lab in uint8, as in OpenCV: L * 255 / 100, a + 128 and b + 128."""

import torch
from torch import Tensor


def encode_lab(lightness: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """Encode L and ab in uint8, which adds a rounding error of up to 0.2 in L and 0.5 in ab.

    Args:
        lightness: L `(*, 1, H, W)` in 0 to 100.
        ab: `(*, 2, H, W)` in CIELAB units, clipped to -128 to 127.

    Returns:
        uint8 L `(*, H, W)` and ab `(*, H, W, 2)`.

    Example:
        >>> encode_lab(torch.full((1, 1, 1), 100.0), torch.zeros(2, 1, 1))
        (tensor([[255]], dtype=torch.uint8), tensor([[[128, 128]]], dtype=torch.uint8))
    """
    coded_lightness = (lightness * (255 / 100)).round().clamp(0, 255).to(torch.uint8)
    coded_ab = (ab + 128).round().clamp(0, 255).to(torch.uint8)
    return coded_lightness.squeeze(-3), coded_ab.movedim(-3, -1)


def decode_lab(lightness: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """Decode L and ab from uint8, the inverse of `encode_lab`.

    Args:
        lightness: uint8 `(*, H, W)`.
        ab: uint8 `(*, H, W, 2)`.

    Returns:
        L `(*, 1, H, W)` in 0 to 100 and ab `(*, 2, H, W)` in CIELAB units, in float32.

    Example:
        >>> lightness, ab = decode_lab(torch.tensor([[255]]).byte(), torch.tensor([[[128, 138]]]).byte())
        >>> lightness.flatten().tolist(), ab.flatten().tolist()
        ([100.0], [0.0, 10.0])
    """
    return lightness.float().mul_(100 / 255).unsqueeze(-3), ab.float().sub_(128).movedim(-1, -3)

"""Lab in bytes, coded as OpenCV codes it: L times 255/100, a and b plus 128."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def encode_lab(lightness: Tensor, ab: Tensor) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Code L and ab in bytes, which rounds L to 0.2 and ab to 0.5 units.

    Args:
        lightness: L `(*, 1, H, W)` in 0 to 100.
        ab: `(*, 2, H, W)` in CIELAB units; what is beyond -128 to 127 is clipped.

    Returns:
        Arrays `(*, H, W)` and `(*, H, W, 2)` of bytes.

    Example:
        >>> encode_lab(torch.full((1, 1, 1), 100.0), torch.zeros(2, 1, 1))
        (array([[255]], dtype=uint8), array([[[128, 128]]], dtype=uint8))
    """
    coded_lightness = (lightness * (255 / 100)).round().clamp(0, 255).to(torch.uint8)
    coded_ab = (ab + 128).round().clamp(0, 255).to(torch.uint8)
    return coded_lightness.squeeze(-3).numpy(), coded_ab.movedim(-3, -1).numpy()


def decode_lab(lightness: NDArray[np.uint8], ab: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """The inverse of `encode_lab`: L `(*, 1, H, W)` and ab `(*, 2, H, W)` in float32.

    Example:
        >>> lightness, ab = decode_lab(np.full((4, 6), 255, np.uint8), np.full((4, 6, 2), 128, np.uint8))
        >>> lightness.max().item(), ab.abs().max().item(), ab.shape
        (100.0, 0.0, torch.Size([2, 4, 6]))
    """
    decoded = torch.from_numpy(lightness).float().mul_(100 / 255).unsqueeze(-3)
    return decoded, torch.from_numpy(ab).float().sub_(128).movedim(-1, -3)

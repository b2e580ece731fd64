"""Figures of how good colours are."""

import torch
from torch import Tensor


def colorfulness(rgb: Tensor) -> Tensor:
    """How colourful photos look: 0 for gray ones, about 40 for the usual, over 80 for garish ones.

    Hasler and Suesstrunk 2003, *Measuring colourfulness in natural images*, section 4: red minus green and yellow
    minus blue, with their signs.

    Args:
        rgb: sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or as floats in 0 to 1.

    Returns:
        A float for each photo, `(*)`.

    Example:
        >>> colorfulness(torch.tensor([[[255]], [[0]], [[0]]], dtype=torch.uint8)).item()
        85.5...
    """
    scale = 255 if rgb.is_floating_point() else 1
    red, green, blue = (rgb.to(torch.float64) * scale).unbind(-3)
    opponents = torch.stack([red - green, (red + green) / 2 - blue]).flatten(-2)
    deviation, mean = torch.std_mean(opponents, dim=-1, correction=0)
    figure: Tensor = torch.linalg.vector_norm(deviation, dim=0) + 0.3 * torch.linalg.vector_norm(mean, dim=0)
    return figure

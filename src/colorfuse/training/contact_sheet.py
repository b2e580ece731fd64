"""Contact sheets of photos: gray, predicted and true."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.color import lab_to_rgb

_GAP = 4


def contact_sheet(lightness: Tensor, predicted: Tensor, true: Tensor) -> NDArray[np.uint8]:
    """Lay out one row per photo: gray, predicted and true, as in Ioannidis and Patiniotis Spyropoulos.

    Args:
        lightness: L `(N, 1, H, W)` in 0 to 100.
        predicted: ab `(N, 2, H, W)` in CIELAB units.
        true: ab `(N, 2, H, W)` in CIELAB units.

    Returns:
        RGB bytes `(height, width, 3)`, with the photos on white.

    Example:
        >>> planes = torch.zeros(5, 2, 32, 48)
        >>> contact_sheet(torch.full((5, 1, 32, 48), 50.0), planes, planes).shape
        (184, 160, 3)
    """
    colors = torch.stack([torch.zeros_like(true), predicted.to(true), true], dim=1).flatten(0, 1)
    lab = torch.cat([lightness.repeat_interleave(3, dim=0), colors], dim=1)
    count, (height, width) = len(true), true.shape[-2:]
    tiles = lab_to_rgb(lab, dtype=torch.uint8).movedim(1, -1).reshape(count, 3, height, width, 3)
    page = np.full((count * (height + _GAP) + _GAP, 3 * (width + _GAP) + _GAP, 3), 255, np.uint8)
    for row in range(count):
        for column in range(3):
            top, left = row * (height + _GAP) + _GAP, column * (width + _GAP) + _GAP
            page[top : top + height, left : left + width] = tiles[row, column].cpu().numpy()
    return page

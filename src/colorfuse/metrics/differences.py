"""Metrics of the difference between predicted and true colours."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.color.plane import AB_SCALE
from colorfuse.metrics.pairs import check_pair, in_unit_range

_SSIM_WINDOW = 7


def squared_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared error of ab / 127.5, the loss of Ioannidis and Patiniotis Spyropoulos.

    Args:
        predicted: Predicted ab `(*, 2, H, W)` in CIELAB units.
        true: True ab of the same shape.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shapes differ or are not `(*, 2, H, W)`.

    Example:
        >>> squared_error(torch.full((2, 4, 4), 12.75), torch.zeros(2, 4, 4)).item()
        0.01...
    """
    check_pair(predicted, true, 2)
    return ((predicted - true) / AB_SCALE).square().mean(dim=(-3, -2, -1), dtype=torch.float64)


def psnr(predicted: Tensor, true: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of RGB, in decibels, over all three channels together.

    Args:
        predicted: Predicted sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or floats in 0 to 1.
        true: True sRGB of the same shape, as bytes or floats.

    Returns:
        A float for each photo, `(*)`; infinite where both are equal.

    Raises:
        ValueError: The shapes differ or are not `(*, 3, H, W)`.

    Example:
        >>> round(psnr(torch.full((3, 4, 4), 0.6), torch.full((3, 4, 4), 0.5)).item(), 3)
        20.0
    """
    check_pair(predicted, true, 3)
    return -10 * (in_unit_range(predicted) - in_unit_range(true)).square().mean(dim=(-3, -2, -1)).log10()


def psnr_ab(predicted: Tensor, true: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of ab, in decibels, over both channels together, for the range -127.5 to 127.5.

    Args:
        predicted: Predicted ab `(*, 2, H, W)` in CIELAB units.
        true: True ab of the same shape.

    Returns:
        A float for each photo, `(*)`; infinite where both are equal.

    Raises:
        ValueError: The shapes differ or are not `(*, 2, H, W)`.

    Example:
        >>> round(psnr_ab(torch.full((2, 4, 4), 25.5), torch.zeros(2, 4, 4)).item(), 3)
        20.0
    """
    return -10 * (squared_error(predicted, true) / 4).log10()


def ssim(predicted: Tensor, true: Tensor) -> Tensor:
    """Structural similarity of RGB, over windows of 7 x 7 pixels, averaged over channels.

    Wang, Bovik, Sheikh and Simoncelli 2004, *Image quality assessment: from error visibility to structural
    similarity*, as scikit-image computes it.

    Args:
        predicted: Predicted sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or floats in 0 to 1.
        true: True sRGB of the same shape, as bytes or floats.

    Returns:
        A float for each photo, `(*)`, at most 1.

    Raises:
        ValueError: The shapes differ or are not `(*, 3, H, W)`, or a side is below 7 pixels.

    Example:
        >>> photo = torch.rand(3, 16, 16)
        >>> ssim(photo, photo).item()
        1.0
    """
    from skimage.metrics import structural_similarity  # takes a second to import

    check_pair(predicted, true, 3)
    if min(true.shape[-2:]) < _SSIM_WINDOW:
        raise ValueError(f"structural similarity needs sides of {_SSIM_WINDOW} pixels, not {tuple(true.shape[-2:])}")
    first, second = (_photos(in_unit_range(rgb, torch.float32)) for rgb in (predicted, true))
    figures = [
        structural_similarity(mine, its, channel_axis=0, data_range=1)
        for mine, its in zip(first, second, strict=True)
    ]
    return torch.tensor(figures, dtype=torch.float64).reshape(true.shape[:-3])


def ciede2000(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean CIEDE2000 colour difference of the pixels; about 1 is just noticeable.

    Sharma, Wu and Dalal 2005, *The CIEDE2000 color-difference formula*, as scikit-image computes it.

    Args:
        predicted: Predicted Lab `(*, 3, H, W)`: L in 0 to 100, a and b in CIELAB units.
        true: True Lab of the same shape.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shapes differ or are not `(*, 3, H, W)`.

    Example:
        >>> ciede2000(torch.full((3, 4, 4), 50.0), torch.full((3, 4, 4), 50.0)).item()
        0.0
    """
    from skimage.color import deltaE_ciede2000

    check_pair(predicted, true, 3)
    differences = deltaE_ciede2000(_photos(predicted.float()), _photos(true.float()), channel_axis=1)
    figures = torch.from_numpy(differences).mean(dim=(-2, -1), dtype=torch.float64)
    return figures.reshape(true.shape[:-3])


def _photos(images: Tensor) -> NDArray[np.float32]:
    """Convert images `(*, C, H, W)` to an array `(N, C, H, W)`."""
    return images.detach().cpu().numpy().reshape(-1, *images.shape[-3:])

"""Dense descriptors of the gradients around each pixel."""

import torch
from torch import Tensor
from torch.nn import functional

_SAMPLES = 20
_CELLS = 4
_DEVIATION = 3.3
"""Standard deviation of the window's weights, in samples."""
_LEAST_NORM = 1e-3


def dense_surf(gray: Tensor, scale: int) -> Tensor:
    """Describe what surrounds each pixel by upright SURF descriptors.

    Bay, Tuytelaars and Van Gool 2006, *SURF: speeded up robust features*, section 4.2: Haar wavelets of side
    `2 * scale` at 20 x 20 samples, weighted by a Gaussian; in each of 4 x 4 cells the sums of the responses across
    and down, and of their absolute values.

    Args:
        gray: `(h, w)`; beyond the borders, their pixels are repeated.
        scale: Distance between the samples in pixels.

    Returns:
        `(64, h, w)`, of unit norm where there is any gradient.

    Example:
        >>> dense_surf(torch.rand(40, 50), 1).shape
        torch.Size([64, 40, 50])
    """
    across, down = _wavelets(gray[None, None], scale)
    responses = torch.cat([across, across.abs(), down, down.abs()])
    kernels = _cell_weights(gray.device).to(gray)
    before, after = _SAMPLES // 2 * scale, (_SAMPLES - 1 - _SAMPLES // 2) * scale
    padded = functional.pad(responses, (before, after, before, after), mode="replicate")
    rows = functional.conv2d(padded, kernels[:, None, None], dilation=scale)
    cells = functional.conv2d(rows.flatten(0, 1)[:, None], kernels[:, None, :, None], dilation=scale)
    descriptors = cells.flatten(0, 1)
    unit: Tensor = descriptors / descriptors.norm(dim=0).clamp(min=_LEAST_NORM)
    return unit


def _wavelets(gray: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Haar wavelets of side `2 * scale` across and down, each `(1, 1, h, w)`."""
    padded = functional.pad(gray, (scale, scale - 1, scale, scale - 1), mode="replicate")
    step = gray.new_ones(2 * scale)
    step[:scale] = -1
    even = gray.new_ones(2 * scale)
    size = 4.0 * scale**2
    across = functional.conv2d(functional.conv2d(padded, step[None, None, None]), even[None, None, :, None])
    down = functional.conv2d(functional.conv2d(padded, even[None, None, None]), step[None, None, :, None])
    return across / size, down / size


def _cell_weights(device: torch.device) -> Tensor:
    """The weight of each sample along one axis in each cell, `(4, 20)`."""
    samples = torch.arange(_SAMPLES, device=device)
    gaussian = torch.exp(-0.5 * ((samples - (_SAMPLES - 1) / 2) / _DEVIATION) ** 2)
    cells = samples // (_SAMPLES // _CELLS) == torch.arange(_CELLS, device=device)[:, None]
    return gaussian * cells

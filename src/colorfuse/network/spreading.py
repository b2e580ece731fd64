"""Spreads the colours of hints along the edges of a photo, with a recursive domain transform filter.

Gastal and Oliveira 2011, *Domain transform for edge-aware image and video processing*: sections 3 and 5.2. The filter
smooths each row, then each column, with weights that fall with the distance and with the change of lightness on the
way. Filtering colours and mask alike, and dividing the one by the other, gives each pixel a mean of the hints around
it that are not behind an edge.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

_ITERATIONS = 3
_SIGMA = 50 / 56
"""Standard deviation in space, as a share of the map's side."""
_SIGMA_LIGHTNESS = 20.0
_LEAST = 1e-12
"""The least share of hints that counts."""
_TINY = 1e-18
"""Smaller weights are set to 0; the product of two others is still a normal number, which a CPU handles fast."""
_DOUBLINGS = 9
"""How often an exported program doubles its reach: up to 512 pixels."""


def spread_hints(lightness: Tensor, hints: Tensor) -> tuple[Tensor, Tensor]:
    """Spread hints over the whole photo.

    Args:
        lightness: L `(N, 1, H, W)` in 0 to 100.
        hints: `(N, 3, H, W)`: ab in CIELAB units, and a mask that is 1 where there is a hint and 0 elsewhere.

    Returns:
        ab `(N, 2, H, W)`, for each pixel the weighted mean of all hints, 0 without hints; and how near hints are,
        `(N, 1, H, W)` from 1e-12 to 1: the filtered mask.

    Example:
        >>> hints = torch.zeros(1, 3, 8, 8)
        >>> hints[0, :, 2, 3] = torch.tensor([20.0, -10.0, 1.0])
        >>> ab, near = spread_hints(torch.full((1, 1, 8, 8), 50.0), hints)
        >>> ab[0, :, 7, 7].round().tolist()
        [20.0, -10.0]
    """
    mask = hints[:, 2:]
    filtered = domain_transform(torch.cat([hints[:, :2] * mask, mask], dim=1), lightness)
    near = filtered[:, 2:].clamp(min=_LEAST)
    return filtered[:, :2] / near, near


def domain_transform(
    maps: Tensor, lightness: Tensor, sigma: float = _SIGMA, sigma_lightness: float = _SIGMA_LIGHTNESS
) -> Tensor:
    """Filter maps with the edges of lightness, by the recursive domain transform filter in three iterations.

    Args:
        maps: `(N, C, H, W)`.
        lightness: L `(N, 1, H, W)` in 0 to 100.
        sigma: Standard deviation of the filter in space, as a share of the geometric mean of height and width.
        sigma_lightness: Its standard deviation in lightness.
    """
    height, width = maps.shape[-2:]
    pixels = sigma * (height * width) ** 0.5
    across = 1 / pixels + lightness.diff(dim=-1).abs() / sigma_lightness
    down = 1 / pixels + lightness.diff(dim=-2).abs() / sigma_lightness
    for iteration in range(_ITERATIONS):
        narrowed = math.sqrt(3) * 2 ** (_ITERATIONS - 1 - iteration) / math.sqrt(4**_ITERATIONS - 1)
        maps = _filter_rows(maps, torch.exp(-math.sqrt(2) / narrowed * across))
        maps = _filter_rows(maps.mT, torch.exp(-math.sqrt(2) / narrowed * down.mT)).mT
    return maps


def _filter_rows(maps: Tensor, decay: Tensor) -> Tensor:
    """Filter each row there and back. `decay` `(N, 1, H, W - 1)` is the weight between neighbours."""
    forth = functional.pad(decay, (1, 0))
    back = functional.pad(decay.flip(-1), (1, 0))
    return _recursion(_recursion(maps, forth).flip(-1), back).flip(-1)


def _recursion(maps: Tensor, decay: Tensor) -> Tensor:
    """Compute `y[n] = (1 - decay[n]) x[n] + decay[n] y[n - 1]` in each row; the decay of the first pixel is 0.

    A scan by doubling (Hillis and Steele 1986, *Data parallel algorithms*) takes few large operations instead of one
    small one for each column, and as many for any width within the limit, so that it can be exported.
    """
    sums = (1 - decay) * maps
    for power in range(_doublings(decay.shape[-1])):
        # What comes round from the end of a row is multiplied by 0, the decay of its first pixel.
        sums = _without_tiny(sums + decay * sums.roll(2**power, -1))
        decay = _without_tiny(decay * decay.roll(2**power, -1))
    return sums


def _without_tiny(maps: Tensor) -> Tensor:
    return maps if torch.compiler.is_exporting() else functional.hardshrink(maps, _TINY)


def _doublings(width: int) -> int:
    return _DOUBLINGS if torch.compiler.is_exporting() else (width - 1).bit_length()

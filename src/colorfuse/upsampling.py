"""How colours that a network saw at its own size are brought to the size of a photo."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.maps import resize
from colorfuse.registry import unknown_name

Upsampling: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""From ab `(N, 2, h, w)` and the lightness `(N, 1, H, W)` of the photo to ab `(N, 2, H, W)`, in CIELAB units."""

_RADIUS = 2
_SIGMA = 1.0
_SIGMA_LIGHTNESS = 8.0


def bilinear(ab: Tensor, lightness: Tensor) -> Tensor:
    """Colours between those next to them, whatever the photo shows there."""
    return resize(ab, lightness.shape[-2:])


def joint_bilateral(ab: Tensor, lightness: Tensor) -> Tensor:
    """Means of the colours around that have the lightness of the pixel, so that they stop at the photo's edges.

    Kopf, Cohen, Lischinski and Uyttendaele 2007, *Joint bilateral upsampling*: over 5 x 5 colours around a pixel,
    weighted by normal distributions of their distance, with a standard deviation of 1 of their pixels, and of their
    difference in lightness, with one of 8. Where the sizes are the same this is the joint bilateral filter.
    """
    around = functional.pad(ab, (_RADIUS,) * 4, mode="replicate")
    guide = functional.interpolate(lightness, ab.shape[-2:], mode="bilinear", antialias=True)
    guide = functional.pad(guide, (_RADIUS,) * 4, mode="replicate")
    (rows, off_rows), (columns, off_columns) = (
        _nearest(small, large, ab) for small, large in zip(ab.shape[-2:], lightness.shape[-2:], strict=True)
    )
    total, weights = torch.zeros_like(lightness.expand(-1, 2, -1, -1)), torch.zeros_like(lightness)
    for down in range(-_RADIUS, _RADIUS + 1):
        for right in range(-_RADIUS, _RADIUS + 1):
            places = rows + _RADIUS + down, columns + _RADIUS + right
            near = (off_rows[:, None] - down).square() + (off_columns - right).square()
            like = (lightness - _at(guide, *places)).square()
            weight = torch.exp(-near / (2 * _SIGMA**2) - like / (2 * _SIGMA_LIGHTNESS**2))
            total += weight * _at(around, *places)
            weights += weight
    return torch.where(weights > 1e-12, total / weights.clamp(min=1e-12), bilinear(ab, lightness))


def _nearest(small: int, large: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Of each of `large` pixels, the nearest of `small`, and how far its centre lies beyond that of this one."""
    centers = (torch.arange(large, dtype=torch.float64) + 0.5) * (small / large)
    index = centers.floor().clamp(max=small - 1)
    return index.long().to(like.device), (centers - index - 0.5).to(like)


def _at(planes: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return planes.index_select(-2, rows).index_select(-1, columns)


UPSAMPLINGS: dict[str, Upsampling] = {"bilinear": bilinear, "joint_bilateral": joint_bilateral}
"""What a colorizer's `upsample` may be."""


def find_upsampling(name: str) -> Upsampling:
    """The way to upsample of a name.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in UPSAMPLINGS:
        raise unknown_name("way to upsample", name, UPSAMPLINGS)
    return UPSAMPLINGS[name]

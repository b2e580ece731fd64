"""How colours that a network saw at its own size are brought to the size of a photo."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.maps import resize

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
    size = lightness.shape[-2:]
    around = functional.pad(ab, (_RADIUS,) * 4, mode="replicate")
    guide = functional.interpolate(lightness, ab.shape[-2:], mode="bilinear", antialias=True)
    guide = functional.pad(guide, (_RADIUS,) * 4, mode="replicate")
    off_center = [_off_center(small, large, ab) for small, large in zip(ab.shape[-2:], size, strict=True)]
    total, weights = torch.zeros_like(lightness.expand(-1, 2, -1, -1)), torch.zeros_like(lightness)
    for down in range(-_RADIUS, _RADIUS + 1):
        for right in range(-_RADIUS, _RADIUS + 1):
            place = (
                ...,
                slice(_RADIUS + down, _RADIUS + down + ab.shape[-2]),
                slice(_RADIUS + right, _RADIUS + right + ab.shape[-1]),
            )
            near = torch.add(
                (off_center[0][:, None] - down).square() / (2 * _SIGMA**2),
                (off_center[1][None, :] - right).square() / (2 * _SIGMA**2),
            )
            like = (lightness - _nearest(guide[place], size)).square() / (2 * _SIGMA_LIGHTNESS**2)
            weight = torch.exp(-near - like)
            total += weight * _nearest(around[place], size)
            weights += weight
    return torch.where(weights > 1e-12, total / weights.clamp(min=1e-12), bilinear(ab, lightness))


def _off_center(small: int, large: int, like: Tensor) -> Tensor:
    """How far the centre of each of `large` pixels lies from that of the nearest of `small`, in pixels of these."""
    centers = (torch.arange(large, dtype=torch.float64) + 0.5) * (small / large)
    return (centers - centers.floor() - 0.5).to(like)


def _nearest(planes: Tensor, size: tuple[int, ...]) -> Tensor:
    return functional.interpolate(planes, size, mode="nearest-exact")


UPSAMPLINGS: dict[str, Upsampling] = {"bilinear": bilinear, "joint_bilateral": joint_bilateral}
"""What a colorizer's `upsample` may be."""

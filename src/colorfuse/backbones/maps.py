"""Descriptions of feature maps, which the parts of a network exchange, and functions to resize the maps."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional


class MapInfo(NamedTuple):
    """Channels of a feature map, and how many times smaller it is than the network's input."""

    channels: int
    reduction: int


Maps = tuple[MapInfo, ...]
"""The maps of an encoder or a backbone, fine to coarse."""


def ceil_div(side: int, by: int) -> int:
    """Divide a side, rounding up, by the formula of strided convolutions, which keeps exported programs simple."""
    return (side - 1) // by + 1


def resize_to(maps: Tensor, like: Tensor) -> Tensor:
    """Bilinearly resize `maps` `(N, C, h, w)` to the height and width of `like`, if they differ.

    The size comes from a tensor, not from a factor, since some networks round odd sizes up and others down.
    """
    return resize(maps, like.shape[-2:])


def resize(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinearly resize `maps` `(N, C, h, w)` to a height and width, if they differ."""
    return maps if maps.shape[-2:] == tuple(size) else functional.interpolate(maps, tuple(size), mode="bilinear")

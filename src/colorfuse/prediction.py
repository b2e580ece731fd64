"""From lightness of any size to the colours that a network sees in it."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective


class Seen(NamedTuple):
    """What a network saw, at its own size.

    Attributes:
        ab: The colours, `(N, 2, h, w)` in CIELAB units.
        lightness: L `(N, 1, h, w)` in 0 to 100.
    """

    ab: Tensor
    lightness: Tensor


@torch.no_grad()
def see(network: FusionNetwork, objective: Objective, lightness: Tensor, image_size: int) -> Seen:
    """The colours that a network sees in lightness, at its size.

    Args:
        network: Gives planes of lightness.
        objective: Reads planes as ab.
        lightness: L `(N, 1, H, W)` in 0 to 100.
        image_size: The network sees a smaller or larger version of about this number squared pixels.

    Returns:
        What it saw, with the dtype and on the device of `lightness`.

    Raises:
        ValueError: The shape is another.
    """
    if lightness.ndim != 4 or lightness.shape[1] != 1:
        raise ValueError(f"lightness must have shape (N, 1, H, W), not {tuple(lightness.shape)}")
    height, width = lightness.shape[-2:]
    seen = _shrunk(lightness, seen_size(height, width, image_size))
    planes = network(seen.to(next(network.parameters())), objective.stride)
    # In lightness's precision and layout: colours are mixed finely, and few channels are slow to go through last.
    ab = objective.to(lightness.device).read(planes.to(lightness)).contiguous()
    return Seen(ab, _shrunk(seen, ab.shape[-2:]))


def _shrunk(lightness: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(lightness, size=tuple(size), mode="bilinear", antialias=True)


def seen_size(height: int, width: int, image_size: int) -> tuple[int, int]:
    """The size at which the network sees a photo: its shape with `image_size` squared pixels.

    Sides are kept between 32 pixels, the least that a backbone takes, and four times `image_size`.
    """
    scale = image_size / (height * width) ** 0.5
    return _within(32, height * scale, 4 * image_size), _within(32, width * scale, 4 * image_size)


def _within(least: int, value: float, most: int) -> int:
    """The nearest integer within bounds, by functions that also take the symbolic sizes of a program to export."""
    rounded = torch.sym_min(torch.sym_max(torch.sym_int(value + 0.5), least), most)
    return cast(int, rounded)

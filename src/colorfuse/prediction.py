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


def to_seen_size(lightness: Tensor, image_size: int) -> Tensor:
    """What a network is shown of lightness `(N, 1, H, W)`: a smaller or larger version, as `seen_size` says.

    Raises:
        ValueError: The shape is another.
    """
    if lightness.ndim != 4 or lightness.shape[1] != 1:
        raise ValueError(f"lightness must have shape (N, 1, H, W), not {tuple(lightness.shape)}")
    height, width = lightness.shape[-2:]
    return _resampled(lightness, seen_size(height, width, image_size))


@torch.no_grad()
def see(network: FusionNetwork, objective: Objective, lightness: Tensor) -> Seen:
    """The colours that a network sees in lightness.

    Args:
        network: Gives planes of lightness.
        objective: Reads planes as ab.
        lightness: L `(N, 1, H, W)` in 0 to 100, at the size at which the network is to see it.

    Returns:
        What it saw, with the dtype and on the device of `lightness`.
    """
    planes = network(lightness.to(next(network.parameters())), objective.stride)
    # In lightness's precision and layout: colours are mixed finely, and few channels are slow to go through last.
    # There where the objective is, which stays, since a training may be using it.
    home = next(objective.buffers(), planes).device
    ab = objective.read(planes.to(home, lightness.dtype)).to(lightness).contiguous()
    return Seen(ab, _resampled(lightness, ab.shape[-2:]))


def see_checked(network: FusionNetwork, objective: Objective, lightness: Tensor) -> Seen:
    """What `see` gives, if it is finite.

    Raises:
        ValueError: It is not.
    """
    seen = see(network, objective, lightness)
    if not seen.ab.isfinite().all():
        raise ValueError("the network gives values that are not finite; its weights are damaged, train it again")
    return seen


def _resampled(lightness: Tensor, size: Sequence[int]) -> Tensor:
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

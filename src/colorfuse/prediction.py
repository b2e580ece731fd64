"""From lightness of any size to its colours."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective
from colorfuse.upsampling import Upsampling


@torch.no_grad()
def predict_ab(
    network: FusionNetwork, objective: Objective, lightness: Tensor, image_size: int, upsample: Upsampling
) -> Tensor:
    """The colours that a network sees in lightness, at its size.

    Args:
        network: Gives planes of lightness.
        objective: Reads planes as ab.
        lightness: L `(N, 1, H, W)` in 0 to 100.
        image_size: The network sees a smaller or larger version of about this number squared pixels.
        upsample: Brings the colours that it sees to the size of `lightness`.

    Returns:
        ab `(N, 2, H, W)` in CIELAB units.

    Raises:
        ValueError: The shape is another, or the network's values are not finite.
    """
    if lightness.ndim != 4 or lightness.shape[1] != 1:
        raise ValueError(f"lightness must have shape (N, 1, H, W), not {tuple(lightness.shape)}")
    height, width = lightness.shape[-2:]
    size = seen_size(height, width, image_size)
    seen = functional.interpolate(lightness, size=size, mode="bilinear", antialias=True)
    planes = network(seen.to(next(network.parameters())), objective.stride)
    ab = objective.to(planes.device).read(planes).to(lightness)
    if not ab.isfinite().all():
        raise ValueError("the network gives values that are not finite; its weights are damaged, train it again")
    return upsample(ab, lightness)


def seen_size(height: int, width: int, image_size: int) -> tuple[int, int]:
    """The size at which the network sees a photo: its shape with `image_size` squared pixels.

    Sides are kept between 32 pixels, the least that a backbone takes, and four times `image_size`.
    """
    scale = image_size / math.sqrt(height * width)
    high, wide = (min(max(32, round(side * scale)), 4 * image_size) for side in (height, width))
    return high, wide

"""Input planes for hints, and the weights of a network that had none."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import resize
from colorfuse.network.spreading import spread_hints

HINT_PLANES = 7
_NEARNESS = 5
"""The plane of how near hints are."""
_LEAST_SHARE = 1e-6
HINT_AB_SCALE = 110.0
"""Divisor of ab in input planes, as in Zhang et al. 2017."""


@torch.no_grad()
def hint_planes(lightness: Tensor, hints: Tensor) -> Tensor:
    """Make the planes that show hints to a network.

    A small network given bare points colours little more than these. Colours that are spread over the whole photo at
    half its size, with how near their hints are, leave it to decide how far to trust them.

    Args:
        lightness: `(N, 1, H, W)` in 0 to 1.
        hints: `(N, 3, H, W)`: ab in CIELAB units and a mask.

    Returns:
        `(N, 7, H, W)`: ab / 110 of the hints, the mask, ab / 110 of the spread colours, the logarithm of how near
        hints are from -1 to 1, and 1 for photos that have any hint.
    """
    ab, mask = hints.split((2, 1), dim=1)
    # A smaller pixel gets the mean colour of its hints, and the share of it that they cover.
    total = torch.cat([ab * mask, mask], dim=1)
    small, total = (
        functional.avg_pool2d(maps.float(), 2, ceil_mode=True, count_include_pad=False) for maps in (lightness, total)
    )
    means = total[:, :2] / total[:, 2:].clamp(min=_LEAST_SHARE)
    spread, near = spread_hints(100 * small, torch.cat([means, total[:, 2:]], dim=1))
    around = resize(
        torch.cat([spread / HINT_AB_SCALE, near.log10() / 6 + 1], dim=1).to(lightness), lightness.shape[-2:]
    )
    any_hint = mask.amax(dim=(-2, -1), keepdim=True).expand_as(mask)
    return torch.cat([ab / HINT_AB_SCALE, mask, around, any_hint], dim=1).to(lightness)


def no_hint_planes(lightness: Tensor) -> Tensor:
    """The planes that `hint_planes` makes of no hints `(N, 7, H, W)`, which need not be spread."""
    planes = torch.zeros_like(lightness).repeat(1, HINT_PLANES, 1, 1)
    planes[:, _NEARNESS] = -1.0
    return planes


def widen_first_layer(encoder: nn.Module, key: str) -> None:
    """Let an encoder load weights of the same encoder without hints: the new inputs of its first layer get zeros.

    Args:
        encoder: The encoder.
        key: The name in its state dict of the first convolution's weights, whose last inputs are those for hints.
    """

    def widen(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
        weights = state.get(prefix + key)
        if not isinstance(weights, Tensor):
            return
        missing = module.get_parameter(key).shape[1] - weights.shape[1]
        if missing == HINT_PLANES:
            state[prefix + key] = functional.pad(weights, (0, 0, 0, 0, 0, missing))

    encoder.register_load_state_dict_pre_hook(widen)

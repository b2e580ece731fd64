"""Descriptions of the pixels of gray photos."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.backbones.maps import ceil_div, resize, resize_to
from colorfuse.colorizers.deshpande.filters import filtered, leung_malik

_COARSER = (2, 4, 8, 16, 32)


def gray_features(lightness: Tensor) -> Tensor:
    """What trees split by: lightness `(1, h, w)` at six scales, its slopes, and the place, `(11, h, w)`."""
    gray = lightness / 100
    height, width = gray.shape[-2:]
    coarser = [
        resize_to(functional.adaptive_avg_pool2d(gray[None], (ceil_div(height, by), ceil_div(width, by))), gray)[0]
        for by in _COARSER
    ]
    down, right = (torch.linspace(0, 1, side).to(gray) for side in (height, width))
    down, right = down[None, :, None].expand(1, height, width), right.expand(1, height, width)
    return torch.cat([gray, *_slopes(gray), *coarser, right, down])


def scene_features(scene: Tensor, size: Sequence[int]) -> Tensor:
    """What trees also split by: the mean and the spread of a scene's thumbnails `(n, 2, 16, 16)`, `(4, *size)`."""
    statistics = torch.cat([scene.mean(dim=0), scene.std(dim=0, correction=0)])
    return resize(statistics[None], size)[0]


def linear_features(lightness: Tensor) -> Tensor:
    """What answers depend on linearly: the answers of lightness `(1, h, w)` to Leung and Malik's filters.

    Returns:
        `(192, h, w)`: each filter's answer, scaled to 0 to 1 over the photo, and the slopes of these.
    """
    found = filtered(lightness / 100, leung_malik())[0]
    least, most = found.amin(dim=(1, 2), keepdim=True), found.amax(dim=(1, 2), keepdim=True)
    scaled = (found - least) / (most - least).clamp(min=1e-6)
    return torch.cat([scaled, *_slopes(scaled)])


def _slopes(planes: Tensor) -> list[Tensor]:
    """The slopes of planes `(c, h, w)` across and down, and their norm."""
    padded = functional.pad(planes[None], (1, 1, 1, 1), mode="replicate")[0]
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    return [across, down, torch.hypot(across, down)]

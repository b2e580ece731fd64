"""Makes colours obey hints: under a mark its own colour, and a smooth change around it."""

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.hints import Hints
from colorfuse.inference.rendering import Rendered
from colorfuse.inference.upsampling import ColorsOfRows, Upsampling, bilinear

_PLATEAU = 3
_SLOPE = 2
_SPREAD = 3


def obeying(
    rendered: Rendered, lightness: Tensor, hints: Tensor, upsampling: Upsampling, height: int
) -> ColorsOfRows:
    """Upsample colours, and move them to those of hints under the marks and just around them.

    What a system that has learnt with hints predicts is near them already. Elsewhere, nothing changes, nor under
    marks of less than full opacity.

    Args:
        rendered: The predicted colours, which may be smaller than the working size.
        lightness: L `(N, 1, h, w)` at working size.
        hints: `(N, 3, h, w)`: ab and a mask.
        upsampling: The upsampling method.
        height: Height of the photo.
    """
    ab = upsampling(*rendered, lightness.shape[-2])(lightness, 0)
    mask = (hints[:, 2:] == 1).to(ab)
    total = _blurred(_blurred(torch.cat([(hints[:, :2] - ab) * mask, mask], dim=1), _SPREAD), _SPREAD)
    around = total[:, :2] / total[:, 2:].clamp(min=1e-6)
    # 1 up to a pixel around each mark, then falling to 0.
    near = _blurred(functional.max_pool2d(mask, 2 * _PLATEAU + 1, stride=1, padding=_PLATEAU), _SLOPE)
    change = torch.where(mask > 0, hints[:, :2] - ab, near * around)
    colors, changes = upsampling(*rendered, height), bilinear(change, lightness, height)

    def rows(lightness: Tensor, top: int) -> Tensor:
        return colors(lightness, top) + changes(lightness, top)

    return rows


def exactly(colors: ColorsOfRows, hints: Hints, size: tuple[int, int]) -> ColorsOfRows:
    """Give the pixels under the opaque marks of a photo of `size` exactly their colours."""

    def rows(lightness: Tensor, top: int) -> Tensor:
        drawn = hints.draw(size, size, top, top + lightness.shape[-2]).to(lightness)
        return torch.where(drawn[2] == 1, drawn[:2], colors(lightness, top))

    return rows


def _blurred(maps: Tensor, radius: int) -> Tensor:
    return functional.avg_pool2d(maps, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)

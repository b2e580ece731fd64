"""Rendering: predicting colours at a system's working size."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.color.mapping import in_parts
from colorfuse.compiled import fastest
from colorfuse.images import Photo
from colorfuse.images.strips import lightness_of
from colorfuse.inference.resizing import add_rows, shares_of

_ROWS_AT_ONCE = 4

RenderAb: TypeAlias = Callable[..., Tensor]
"""Maps L `(N, 1, h, w)` at working size to ab `(N, 2, h', w')` of the same photos, both in CIELAB units.

If there are hints, they are the second argument: `(N, 3, h, w)`, ab and a mask.
"""


class Rendered(NamedTuple):
    """Predicted colours, with the lightness at the same size.

    Attributes:
        ab: `(N, 2, h, w)` in CIELAB units.
        lightness: L `(N, 1, h, w)` in 0 to 100.
    """

    ab: Tensor
    lightness: Tensor


def to_render_size(lightness: Tensor, render_size: int) -> Tensor:
    """Resample lightness `(N, 1, H, W)` to the size that `working_size` gives.

    Raises:
        ValueError: `lightness` has another shape.
    """
    if lightness.ndim != 4 or lightness.shape[1] != 1:
        raise ValueError(f"lightness must have shape (N, 1, H, W), not {tuple(lightness.shape)}")
    height, width = lightness.shape[-2:]
    return _resampled(lightness, working_size(height, width, render_size))


def photo_to_render_size(photo: Photo, render_size: int) -> Tensor:
    """Compute the lightness of a photo at working size `(1, 1, h, w)`, as `to_render_size` does, but in strips."""
    height, width, _ = photo.pixels.shape
    size = working_size(height, width, render_size)
    low = np.zeros((size[0], width), np.float32)

    def work(top: int) -> None:
        totals = low[top : top + _ROWS_AT_ONCE]
        start, shares = shares_of(size[0], height, top, len(totals))
        lightness = lightness_of(photo.pixels[start : start + shares.shape[1]])
        fastest(add_rows)(lightness, shares, totals)

    in_parts(work, [(top,) for top in range(0, size[0], _ROWS_AT_ONCE)])
    return _resampled(torch.from_numpy(low)[None, None], size)


def render(render_ab: RenderAb, lightness: Tensor, hints: Tensor | None = None) -> Rendered:
    """Run a system on lightness `(N, 1, h, w)` and hints `(N, 3, h, w)` at its working size."""
    ab = render_ab(lightness) if hints is None else render_ab(lightness, hints)
    if not isinstance(ab, Tensor):
        raise TypeError(f"a colorizer must give ab as a tensor (N, 2, h, w), not a {type(ab).__name__}")
    ab = ab.detach()  # of a system that is not told of gradients
    return Rendered(ab, _resampled(lightness, ab.shape[-2:]))


def render_checked(render_ab: RenderAb, lightness: Tensor, hints: Tensor | None = None, planes: int = 2) -> Rendered:
    """Call `render` and check its result.

    Raises:
        ValueError: The shape of ab is not `(N, planes, h, w)`, or a value is not finite.
    """
    rendered = render(render_ab, lightness, hints)
    shape = tuple(rendered.ab.shape)
    if len(shape) != 4 or shape[:2] != (len(lightness), planes):
        raise ValueError(f"a colorizer must give ab of shape ({len(lightness)}, {planes}, h, w), not {shape}")
    if not rendered.ab.isfinite().all():
        raise ValueError(
            "the colorizer gives values that are not finite; if it has learnt, its weights are damaged, and it is to "
            "be trained again"
        )
    return rendered


def working_size(height: int, width: int, render_size: int) -> tuple[int, int]:
    """Compute the height and width with a photo's aspect ratio and about `render_size ** 2` pixels.

    Sides are clamped to between 32 pixels, the least that a backbone takes, and four times `render_size`.
    """
    scale = render_size / (height * width) ** 0.5
    return _within(32, height * scale, 4 * render_size), _within(32, width * scale, 4 * render_size)


def _resampled(lightness: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(lightness, size=tuple(size), mode="bilinear", antialias=True)


def _within(least: int, value: float, most: int) -> int:
    """Round and clamp, with functions that also accept the symbolic sizes of `torch.export`."""
    rounded = torch.sym_min(torch.sym_max(torch.sym_int(value + 0.5), least), most)
    return cast(int, rounded)

"""Upsampling of colours from working size to the size of a photo.

An upsampling method is called once with the colours and lightness at working size. The function it returns is then
called with strips of the photo's rows, so that memory does not grow with the photo.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.backbones.maps import resize
from colorfuse.compiled import fastest, is_plain
from colorfuse.images import Photo, Pixels
from colorfuse.images.strips import PIXELS_AT_ONCE
from colorfuse.inference.compositing import color_guided
from colorfuse.inference.resizing import enlarge, places_of
from colorfuse.registry import unknown_name

ColorsOfRows: TypeAlias = Callable[[Tensor, int], Tensor]
"""Maps a strip of the photo's lightness `(N, 1, rows, W)` and its first row's index to ab `(N, 2, rows, W)`."""

Upsampling: TypeAlias = Callable[[Tensor, Tensor, int], ColorsOfRows]
"""Maps ab `(N, 2, h, w)`, lightness `(N, 1, h, w)` of the same size, and the photo's height to a `ColorsOfRows`.

All values are in CIELAB units.
"""

_GUIDED_RADIUS = 2
_GUIDED_EPSILON = 100.0
_BILATERAL_RADIUS = 2
_SIGMA = 1.0
_SIGMA_LIGHTNESS = 8.0


def bilinear(ab: Tensor, guide: Tensor, height: int) -> ColorsOfRows:
    """Interpolate colours bilinearly, regardless of the photo's lightness."""

    def rows(lightness: Tensor, top: int) -> Tensor:
        return _resized(ab, height, lightness, top)

    return rows


def guided(ab: Tensor, guide: Tensor, height: int) -> ColorsOfRows:
    """Upsample with a guided filter: ab is a locally linear function of lightness, so it follows the photo's edges.

    He and Sun 2015, *Fast guided filter*: in each 5 x 5 window of the small image, ab is fitted as a slope times
    lightness plus a constant, with a penalty of 100 on the squared slope. Slopes are averaged over windows; slopes
    and constants are resized and applied to the photo's own lightness. Unlike the paper's, the constants are chosen
    to reproduce the small colours exactly, since averaged constants would blur the colours and make them paler.
    """
    mean, mean_ab = _box(guide), _box(ab)
    covariance = _box(guide * ab) - mean * mean_ab
    slope = _box(covariance / ((_box(guide.square()) - mean.square()).clamp(min=0) + _GUIDED_EPSILON))
    line = torch.cat([slope, ab - slope * guide], dim=1)
    return GuidedColors(line, ab.amin((-1, -2), keepdim=True), ab.amax((-1, -2), keepdim=True), height)


class GuidedColors:
    """ab as a linear function of lightness: what `guided` returns.

    Args:
        line: Slopes and constants of ab `(N, 4, h, w)`.
        low: The least ab `(N, 2, 1, 1)`.
        high: The greatest ab.
        height: The photo's height.
    """

    def __init__(self, line: Tensor, low: Tensor, high: Tensor, height: int) -> None:
        self._line, self._low, self._high, self._height = line, low, high, height

    def __call__(self, lightness: Tensor, top: int) -> Tensor:
        """Compute ab `(N, 2, rows, W)` of a strip of lightness `(N, 1, rows, W)`, whose first row is `top`."""
        slope, constant = _resized(self._line, self._height, lightness, top).chunk(2, dim=1)
        return torch.addcmul(constant, slope, lightness).clamp_(self._low, self._high)

    def put_on(self, photo: Photo) -> Pixels:
        """Colour a photo, by a kernel that does all steps at once.

        There must be the colours of one photo, on the CPU.
        """
        planes, limits = (
            self._line[0].contiguous().numpy(),
            torch.cat([self._low, self._high], dim=-1)[0, :, 0].numpy(),
        )
        height, width, _ = photo.pixels.shape
        columns = places_of(planes.shape[2], width, 0, width)
        kernel, at_once = fastest(color_guided), PIXELS_AT_ONCE
        if kernel is not color_guided:  # a compiled kernel keeps to the cache by itself
            at_once = max(at_once, height * width // torch.get_num_threads() + width)

        def put(rows: slice, rgb: Pixels) -> None:
            places = places_of(planes.shape[1], height, rows.start, len(rgb))
            pixels: Any = np.require(photo.pixels[rows], requirements=["C", "W"])
            kernel(pixels, planes, places, columns, limits, rgb)

        return photo.in_strips(put, at_once)

    @property
    def can_put_on(self) -> bool:
        """Whether `put_on` may be called: there are the colours of one photo, on the CPU."""
        return len(self._line) == 1 and _are_plain(self._line)


def color_photo(photo: Photo, colors: ColorsOfRows) -> Pixels:
    """Colour a photo."""
    if isinstance(colors, GuidedColors) and colors.can_put_on:
        return colors.put_on(photo)
    return photo.colored(lambda lightness, top: colors(lightness[None], top)[0])


def joint_bilateral(ab: Tensor, guide: Tensor, height: int) -> ColorsOfRows:
    """Average nearby colours of similar lightness, so that colours stop at the photo's edges.

    Kopf, Cohen, Lischinski and Uyttendaele 2007, *Joint bilateral upsampling*: a weighted mean of the 5 x 5 small
    pixels around each pixel. The weights are Gaussians of the distance, with a standard deviation of 1 small pixel,
    and of the difference in lightness, with one of 8. At equal sizes this is the joint bilateral filter.
    """
    around = functional.pad(torch.cat([ab, guide], dim=1), (_BILATERAL_RADIUS,) * 4, mode="replicate")
    offsets = range(-_BILATERAL_RADIUS, _BILATERAL_RADIUS + 1)

    def rows(lightness: Tensor, top: int) -> Tensor:
        count, width = lightness.shape[-2:]
        down, off_rows = _nearest(ab.shape[-2], height, ab, top, count)
        right, off_columns = _nearest(ab.shape[-1], width, ab, 0, width)
        total, weights = torch.zeros_like(lightness.expand(-1, 2, -1, -1)), torch.zeros_like(lightness)
        for y in offsets:
            for x in offsets:
                places = down + _BILATERAL_RADIUS + y, right + _BILATERAL_RADIUS + x
                colors, like = _at(around, *places).split((2, 1), dim=1)
                near = (off_rows[:, None] - y).square() + (off_columns - x).square()
                like = (lightness - like).square()
                weight = torch.exp(-near / (2 * _SIGMA**2) - like / (2 * _SIGMA_LIGHTNESS**2))
                total += weight * colors
                weights += weight
        between = _resized(ab, height, lightness, top)
        return torch.where(weights > 1e-12, total / weights.clamp(min=1e-12), between)

    return rows


def _resized(maps: Tensor, height: int, like: Tensor, top: int) -> Tensor:
    """Resize `maps` bilinearly to `height` and the width of `like`; return as many rows as `like`, from `top` on."""
    count, width = like.shape[-2:]
    if _are_plain(maps, like):
        resized = torch.empty(*maps.shape[:2], count, width, dtype=torch.float32, device="cpu")
        rows = places_of(maps.shape[-2], height, top, count)
        columns = places_of(maps.shape[-1], width, 0, width)
        for planes, enlarged in zip(maps.contiguous().numpy(), resized.numpy(), strict=True):
            fastest(enlarge)(planes, rows, columns, enlarged)
        return resized
    if count == height:
        return resize(maps, (height, width))
    small = maps.shape[-2]
    # On the CPU, since some devices have no float64.
    centers = (torch.arange(top, top + count, dtype=torch.float64, device="cpu") + 0.5) * (small / height) - 0.5
    above = centers.clamp(0, small - 1)
    index = above.floor()
    share = (above - index).to(maps)[:, None]
    index = index.long().to(maps.device)
    strip = torch.lerp(maps[..., index, :], maps[..., (index + 1).clamp(max=small - 1), :], share)
    if strip.device.type != "cpu":
        return resize(strip, (count, width))
    # One-dimensional interpolation is faster than two-dimensional here.
    lines = functional.interpolate(strip.flatten(1, 2), width, mode="linear")
    return cast(Tensor, lines.unflatten(1, strip.shape[1:3]))


def _are_plain(*tensors: Tensor) -> bool:
    return all(tensor.dtype == torch.float32 and is_plain(tensor) for tensor in tensors)


def _box(maps: Tensor) -> Tensor:
    """Box filter with replicated borders.

    Summing shifted maps takes a fifth of the time of torch's average pooling.
    """
    height, width = maps.shape[-2:]
    side = 2 * _GUIDED_RADIUS + 1
    padded = functional.pad(maps, (_GUIDED_RADIUS,) * 4, mode="replicate")
    across = reduce(torch.add, (padded.narrow(-1, start, width) for start in range(side)))
    total = reduce(torch.add, (across.narrow(-2, start, height) for start in range(side)))
    return total / side**2


def _nearest(small: int, large: int, like: Tensor, first: int, count: int) -> tuple[Tensor, Tensor]:
    """For `count` of `large` pixels from `first` on, the nearest of `small` pixels and the offset from its centre."""
    centers = (torch.arange(first, first + count, dtype=torch.float64, device="cpu") + 0.5) * (small / large)
    index = centers.floor().clamp(max=small - 1)
    return index.long().to(like.device), (centers - index - 0.5).to(like)


def _at(planes: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return planes.index_select(-2, rows).index_select(-1, columns)


UPSAMPLINGS: dict[str, Upsampling] = {"bilinear": bilinear, "guided": guided, "joint_bilateral": joint_bilateral}
"""Values of a colorizer's `upsample`."""


def find_upsampling(name: str) -> Upsampling:
    """Look up an upsampling method by name.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in UPSAMPLINGS:
        raise unknown_name("way to upsample", name, UPSAMPLINGS)
    return UPSAMPLINGS[name]

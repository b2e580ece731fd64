"""Marks on a photo, and how they are drawn at any size.

Marks are never resized as images: a mark of one pixel would fade. A pixel of a drawing is marked if its area contains
the centre of a marked pixel of the photo, or if its centre lies in a marked pixel; so every mark shows at every size,
and drawing commutes with mirroring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.errors import HintsError
from colorfuse.hints.colors import MOST_AB

Size: TypeAlias = Sequence[int]
"""Height and width in pixels."""

Floats: TypeAlias = NDArray[np.float64]

_TIE = 1e-6
"""Boxes that a line touches count as crossed, whatever the rounding."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A disc of one colour.

    Attributes:
        row: Row of the centre, in pixels of the upright photo at full size.
        column: Column of the centre.
        ab: The colour, in CIELAB units.
        radius: Radius in pixels: 0 for a single pixel.
        lightness: L of the colour, for systems that paint; None if it has none.
    """

    row: int
    column: int
    ab: tuple[float, float]
    radius: float = 0.0
    lightness: float | None = None

    def opaque(self) -> "Point":
        """Return the point, which has full opacity."""
        return self

    def check(self, size: Size) -> None:
        """Check that the point lies in a photo of this size, and has a colour.

        Raises:
            HintsError: It does not.
        """
        _check_color(self.ab)
        _check_place(self.row, self.column, size)

    def paint(self, drawing: Tensor, photo: Size, size: Size, top: int) -> None:
        """Paint the mark on rows of a drawing.

        Args:
            drawing: ab and mask `(3, rows, w)`, on the CPU, changed in place.
            photo: Size of the photo.
            size: Size of the whole drawing.
            top: The first row of `drawing` in the whole drawing.
        """
        reach = 2 * self.radius + 1
        rows = _span(self.row, photo[0], size[0], reach, top, top + drawing.shape[1])
        if not len(rows):
            return
        columns = _span(self.column, photo[1], size[1], reach, 0, size[1])
        window = drawing.numpy()[:, rows.start - top : rows.stop - top, columns.start : columns.stop]
        down = _offsets(self.row, photo[0], size[0], rows)[:, None]
        right = _offsets(self.column, photo[1], size[1], columns)
        inside = (abs(down) <= max(size[0], photo[0])) & (abs(right) <= max(size[1], photo[1]))
        if self.radius:
            # Squares of integers would not fit 64 bits for large photos.
            squared = (down * float(size[1])) ** 2 + (right * float(size[0])) ** 2
            inside |= squared <= float(reach * size[0] * size[1]) ** 2
        window[:, inside] = np.array([*self.ab, 1.0])[:, None]


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """A line of one colour through several places.

    Attributes:
        path: Rows and columns of the places, in pixels of the upright photo at full size; at least one.
        ab: The colour, in CIELAB units.
        radius: Half of the line's width in pixels: 0 for a line of single pixels.
        lightness: L of the colour, for systems that paint; None if it has none.
    """

    path: Sequence[tuple[int, int]]
    ab: tuple[float, float]
    radius: float = 0.0
    lightness: float | None = None

    def opaque(self) -> "Stroke":
        """Return the stroke, which has full opacity."""
        return self

    def check(self, size: Size) -> None:
        """Check that the stroke lies in a photo of this size, and has a colour.

        Raises:
            HintsError: It does not.
        """
        _check_color(self.ab)
        for row, column in self.path:
            _check_place(row, column, size)

    def paint(self, drawing: Tensor, photo: Size, size: Size, top: int) -> None:
        """Paint the stroke on rows of a drawing, as `Point.paint`."""
        ends, reach = self.path[1:] or self.path, 2 * self.radius + 1
        for start, end in zip(self.path, ends, strict=False):
            rows = _span_between(start[0], end[0], photo[0], size[0], reach)
            rows = range(max(rows.start, top), min(rows.stop, top + drawing.shape[1]))
            if not len(rows):
                continue
            columns = _span_between(start[1], end[1], photo[1], size[1], reach)
            window = drawing.numpy()[:, rows.start - top : rows.stop - top, columns.start : columns.stop]
            down, right = (_places(pixels, photo[axis], size[axis]) for axis, pixels in enumerate((rows, columns)))
            halves = [max(1, photo[axis] / size[axis]) / 2 for axis in (0, 1)]
            inside = _crossed(down[:, None], right, start, end, halves)
            if self.radius:
                inside |= _distance(down[:, None], right, start, end) <= self.radius + 0.5
            window[:, inside] = np.array([*self.ab, 1.0])[:, None]


@dataclass(frozen=True, eq=False)
class Layer:
    """Colours for some of the pixels of a photo.

    Attributes:
        ab: `(2, H, W)` in CIELAB units.
        mask: `(H, W)`, 0 where there is no colour, and elsewhere the opacity of the mark, up to 1; or bool. A mark of
            less than full opacity is softer for systems that weigh opacity, and a mark like any other for others.
        lightness: L of the colours `(H, W)`, for systems that paint; None if they have none.
    """

    ab: Tensor
    mask: Tensor
    lightness: Tensor | None = None

    def opaque(self) -> "Layer":
        """Return the layer with all marks of full opacity."""
        return Layer(self.ab, self.mask > 0, self.lightness)

    def check(self, size: Size) -> None:
        """Check that the layer has the size of the photo.

        Raises:
            HintsError: It does not.
        """
        if tuple(self.mask.shape) != tuple(size):
            height, width = self.mask.shape
            raise HintsError(
                f"the layer of hints has {width} x {height} pixels, and the photo {size[1]} x {size[0]}; export it "
                "at the photo's size, uncropped"
            )

    def paint(self, drawing: Tensor, photo: Size, size: Size, top: int) -> None:
        """Paint the marks on rows of a drawing, as `Point.paint`; a smaller pixel gets the mean of its marks.

        It has full opacity if any of these has.
        """
        bottom = top + drawing.shape[1]
        if tuple(photo) == tuple(size):
            opacity = self.mask[top:bottom].float()
            marked = opacity > 0
            drawing[:, marked] = torch.cat([self.ab[:, top:bottom].float(), opacity[None]])[:, marked]
            return
        rows, columns = self.mask.any(dim=1), self.mask.any(dim=0)
        down = overlaps(photo[0], size[0])[top:bottom, rows]
        right = overlaps(photo[1], size[1])[:, columns]
        opacity = self.mask[rows][:, columns].float()
        colors = self.ab[:, rows][:, :, columns].float() * opacity
        total = down @ torch.stack([*colors, opacity, (opacity > 0).float(), (opacity == 1).float()]) @ right.mT
        marked = total[2] > 0
        drawing[:2, marked] = total[:2, marked] / total[2, marked]
        drawing[2, marked] = torch.where(total[4] > 0, 1.0, total[2] / total[3])[marked]


Mark: TypeAlias = Point | Stroke | Layer


def _check_color(ab: tuple[float, float]) -> None:
    if not all(abs(value) <= MOST_AB for value in ab):  # NaN is not
        raise HintsError(f"the ab of a hint must be within {MOST_AB:g} of 0, in CIELAB units, not {tuple(ab)}")


def _check_place(row: int, column: int, size: Size) -> None:
    if not (0 <= row < size[0] and 0 <= column < size[1]):
        raise HintsError(
            f"the hint at row {row}, column {column} is outside the photo, which has {size[0]} rows and {size[1]} "
            "columns, counted from 0"
        )


def _span(place: int, large: int, small: int, reach: float, start: int, stop: int) -> range:
    """Pixels from `start` to `stop` of `small` that a mark at pixel `place` of `large` may reach, and a few more."""
    center, half = (2 * place + 1) * small / (2 * large), (max(small, large) + reach * small) / (2 * large)
    first = min(max(start, int(center - half) - 1), stop)
    return range(first, max(first, min(stop, int(center + half) + 2)))


def _offsets(place: int, large: int, small: int, pixels: range) -> NDArray[np.int64]:
    """Distances of the centres of some of `small` pixels from that of pixel `place` of `large`, times 2 `small`.

    They are integers, so that a tie is a tie from either side.
    """
    return (2 * np.arange(pixels.start, pixels.stop, dtype=np.int64) + 1) * large - (2 * place + 1) * small


def _span_between(start: int, end: int, large: int, small: int, reach: float) -> range:
    """Pixels of `small` that a line between pixels `start` and `end` of `large` may reach, and a few more."""
    spans = [_span(place, large, small, reach, 0, small) for place in (start, end)]
    return range(min(span.start for span in spans), max(span.stop for span in spans))


def _places(pixels: range, large: int, small: int) -> Floats:
    """The centres of some of `small` pixels, in pixels of `large`, whose own centres are whole numbers."""
    return (2 * np.arange(pixels.start, pixels.stop, dtype=np.float64) + 1) * large / (2 * small) - 0.5


def _distance(down: Floats, right: Floats, start: tuple[int, int], end: tuple[int, int]) -> Floats:
    """How far places are from the line between two others."""
    along = end[0] - start[0], end[1] - start[1]
    length = max(1, along[0] ** 2 + along[1] ** 2)
    share = (((down - start[0]) * along[0] + (right - start[1]) * along[1]) / length).clip(0, 1)
    apart: Floats = np.hypot(down - start[0] - share * along[0], right - start[1] - share * along[1])
    return apart


def _crossed(
    down: Floats, right: Floats, start: tuple[int, int], end: tuple[int, int], halves: Sequence[float]
) -> NDArray[np.bool_]:
    """Whether the line between two places crosses the boxes around others, whose half sides are given."""
    first, last = np.zeros(()), np.ones(())
    for places, begin, stop, half in zip((down, right), start, end, halves, strict=True):
        low, high = places - half - _TIE - begin, places + half + _TIE - begin
        if begin == stop:
            last = np.where((low <= 0) & (high >= 0), last, -1)
        else:
            bounds = low / (stop - begin), high / (stop - begin)
            first, last = np.maximum(first, np.minimum(*bounds)), np.minimum(last, np.maximum(*bounds))
    crossed: NDArray[np.bool_] = first <= last
    return crossed


def blank(*shape: int) -> Tensor:
    """Zeros for a drawing: float32 on the CPU, whatever torch's defaults are."""
    return torch.zeros(*shape, dtype=torch.float32, device="cpu")


def overlaps(large: int, small: int) -> Tensor:
    """Which of `small` pixels shows which of `large` pixels along one axis, as 0 and 1 `(small, large)`."""
    places, others = (torch.arange(side, device="cpu") for side in (small, large))
    centers = (2 * places[:, None] + 1) * large - (2 * others + 1) * small
    return (centers.abs() <= max(small, large)).float()

"""Marks on a photo, and how they are drawn at any size.

Marks are never resized as images: a mark of one pixel would fade. A pixel of a drawing is marked if its area contains
the centre of a marked pixel of the photo, or if its centre lies in a marked pixel; so every mark shows at every size,
and drawing commutes with mirroring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.errors import HintsError
from colorfuse.hints.colors import MOST_AB
from colorfuse.hints.geometry import centers, crossed, distance, offsets, overlaps, span, spans

Size: TypeAlias = Sequence[int]
"""Height and width in pixels."""

_AT_ONCE = 1 << 18
"""Pixels of a layer that are added up together, so that they take little memory."""


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
        rows = span(self.row, photo[0], size[0], reach, top, top + drawing.shape[1])
        if not len(rows):
            return
        columns = span(self.column, photo[1], size[1], reach, 0, size[1])
        window = drawing.numpy()[:, rows.start - top : rows.stop - top, columns.start : columns.stop]
        down = offsets(self.row, photo[0], size[0], rows)[:, None]
        right = offsets(self.column, photo[1], size[1], columns)
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
        outside = ((self._places < 0) | (self._places >= np.array(size))).any(axis=1)
        if outside.any():
            _check_place(*self.path[int(outside.argmax())], size)

    @cached_property
    def _places(self) -> NDArray[np.float64]:
        """The path `(n, 2)`."""
        return np.array(self.path, np.float64)

    def paint(self, drawing: Tensor, photo: Size, size: Size, top: int) -> None:
        """Paint the stroke on rows of a drawing, as `Point.paint`."""
        ends, reach, bottom = self.path[1:] or self.path, 2 * self.radius + 1, top + drawing.shape[1]
        (above, below), (left, right) = (
            spans(places, photo[axis], size[axis], reach) for axis, places in enumerate(self._places.T)
        )
        for each in np.flatnonzero((above < bottom) & (below > top)).tolist():
            start, end = self.path[each], ends[each]
            rows = range(max(above[each], top), min(below[each], bottom))
            columns = range(left[each], right[each])
            window = drawing.numpy()[:, rows.start - top : rows.stop - top, columns.start : columns.stop]
            down, along = (centers(pixels, photo[axis], size[axis]) for axis, pixels in enumerate((rows, columns)))
            halves = [max(1, photo[axis] / size[axis]) / 2 for axis in (0, 1)]
            inside = crossed(down[:, None], along, start, end, halves)
            if self.radius:
                inside |= distance(down[:, None], along, start, end) <= self.radius + 0.5
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
        rows_with_marks, columns = (self.mask.any(dim=axis).nonzero()[:, 0] for axis in (1, 0))
        down, right = overlaps(photo[0], size[0])[top:bottom], overlaps(photo[1], size[1])[:, columns]
        total = blank(5, len(down), len(right))
        for rows in rows_with_marks.split(max(1, _AT_ONCE // max(1, len(columns)))):
            opacity = self.mask[rows][:, columns].float()
            colors = self.ab[:, rows][:, :, columns].float() * opacity
            planes = torch.stack([*colors, opacity, (opacity > 0).float(), (opacity == 1).float()])
            total += down[:, rows] @ planes @ right.mT
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


def blank(*shape: int) -> Tensor:
    """Zeros for a drawing: float32 on the CPU, whatever torch's defaults are."""
    return torch.zeros(*shape, dtype=torch.float32, device="cpu")

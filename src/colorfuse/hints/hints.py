"""The colours that a user gives for one photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from torch import Tensor

from colorfuse.hints.marks import Mark, Size, blank

HintSource: TypeAlias = Any
"""What `read_hints` reads hints from: points, a layer, a file of either, arrays, masks, or `Hints`."""


@dataclass(frozen=True)
class Hints:
    """Colours that a user gives for places of a photo.

    `read_hints` makes them from points, JSON, layers, marked copies, arrays and masks. Where marks overlap, the last
    counts.

    Attributes:
        marks: The marks, in the order in which they are painted.

    Example:
        >>> from colorfuse.hints import Point
        >>> hints = Hints([Point(row=3, column=4, ab=(20.0, -5.0))])
        >>> hints.draw((8, 8), (2, 2))[:, 0, 1].tolist()
        [20.0, -5.0, 1.0]
    """

    marks: Sequence[Mark] = ()

    def __bool__(self) -> bool:
        return bool(self.marks)

    def opaque(self) -> "Hints":
        """Return the same hints with all marks of full opacity."""
        return Hints([mark.opaque() for mark in self.marks])

    def check(self, photo: Size) -> None:
        """Check that all marks fit a photo of this height and width.

        Raises:
            HintsError: A layer has another size, or a point lies outside.
        """
        for mark in self.marks:
            mark.check(photo)

    def draw(self, photo: Size, size: Size, top: int = 0, bottom: int | None = None) -> Tensor:
        """Draw the hints at any size, of which rows from `top` up to but excluding `bottom` are returned.

        Args:
            photo: Height and width of the photo that the hints are for.
            size: Height and width of the drawing.
            top: The first row.
            bottom: The row after the last one; by default the height of the drawing.

        Returns:
            `(3, rows, w)`: ab in CIELAB units and a mask, both 0 where there is no hint. The mask is 1 for marks of
            full opacity, and the opacity for others.

        Raises:
            HintsError: The hints do not fit the photo.
        """
        self.check(photo)
        drawing = blank(3, (size[0] if bottom is None else bottom) - top, size[1])
        for mark in self.marks:
            mark.paint(drawing, photo, size, top)
        return drawing

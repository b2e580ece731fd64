"""Photos and their hints at the working size of a system."""

from typing import NamedTuple

import torch
from torch import Tensor

from colorfuse.hints import Hints, Layer
from colorfuse.images import Photo


class Hinted(NamedTuple):
    """A photo, and the hints for it or None."""

    photo: Photo
    hints: Hints | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photo."""
        height, width, _ = self.photo.pixels.shape
        return height, width

    def opaque(self) -> "Hinted":
        """The same with all marks of full opacity."""
        return Hinted(self.photo, self.hints and self.hints.opaque())


class Scaled(NamedTuple):
    """A photo ready for a system.

    Attributes:
        hinted: The photo and its hints.
        small: L at working size `(1, 1, h, w)`.
        drawn: The hints drawn at working size, or None if there are none: `(1, 3, h, w)`, ab and a mask, or other
            planes, if the system takes such.
        lightness: L at full size `(1, 1, H, W)`, if it is kept on a device; the CPU computes it strip by strip.
    """

    hinted: Hinted
    small: Tensor
    drawn: Tensor | None = None
    lightness: Tensor | None = None


def scale_hints(hints: Tensor, lightness: Tensor, small: Tensor) -> Tensor:
    """Scale hints `(N, 3, H, W)`, drawn at the size of `lightness`, to that of `small`; each mark still shows.

    Raises:
        ValueError: They have another shape.
    """
    if hints.shape != (len(lightness), 3, *lightness.shape[-2:]):
        raise ValueError(
            f"hints must have shape {(len(lightness), 3, *lightness.shape[-2:])}, ab and a mask of the size of "
            f"lightness, not {tuple(hints.shape)}"
        )
    size = small.shape[-2:]
    drawn = [Hints([Layer(each[:2], each[2] > 0)]).draw(each.shape[-2:], size) for each in hints.float().cpu()]
    return torch.stack(drawn).to(small)


def stack_hints(hints: list[Tensor | None]) -> Tensor | None:
    """Stack drawn hints of equal size; those that are missing are empty."""
    given = [each for each in hints if each is not None]
    if not given:
        return None
    return torch.cat([torch.zeros_like(given[0]) if each is None else each for each in hints])

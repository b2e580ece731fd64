"""What every backbone does."""

from typing import Protocol

from torch import Tensor

from colorfuse.maps import Maps


class Backbone(Protocol):
    """A module that gives maps of an image, and says beforehand which.

    Called with images `(N, 3, H, W)`: lightness divided by 100, as three equal channels in 0 to 1. It normalises
    them with its own mean and standard deviation and returns one tensor for each entry of `maps`, fine to coarse.
    """

    maps: Maps

    def __call__(self, images: Tensor, /) -> list[Tensor]:
        """Maps of `images`, fine to coarse."""
        ...

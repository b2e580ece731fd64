"""Photos of the same kind of scene, whose colours hint at those of a gray photo."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.backbones import Backbone

_SIDE = 128
"""Of lightness that the backbone sees, whatever its shape."""
THUMBNAIL = 16
"""Side of the photos' thumbnails."""


class Scenes:
    """The photos of training, by how they look to a backbone and by their colours.

    Args:
        backbone: Compares photos.
        descriptions: Of the photos `(N, channels)`, of unit length.
        thumbnails: Their ab `(N, 2, 16, 16)` in hundredths of CIELAB units.
        matches: How many photos count as the scene of another.
    """

    def __init__(self, backbone: Backbone, descriptions: Tensor, thumbnails: Tensor, matches: int) -> None:
        self.backbone, self.descriptions, self.thumbnails, self.matches = backbone, descriptions, thumbnails, matches

    def of(self, lightness: Tensor) -> Tensor:
        """The thumbnails `(matches, 2, 16, 16)` of the photos that are likest to L `(1, h, w)`."""
        return self._likest(described(self.backbone, lightness))

    def of_one(self, index: int) -> Tensor:
        """The thumbnails of the photos that are likest to one of these photos, apart from itself."""
        return self._likest(self.descriptions[index], index)

    def _likest(self, description: Tensor, but: int | None = None) -> Tensor:
        alike = self.descriptions @ description
        if but is not None:
            alike[but] = -torch.inf
        return self.thumbnails[alike.topk(self.matches).indices]


def thumbnail(ab: Tensor) -> Tensor:
    """The colours of a photo `(2, h, w)` at 16 x 16, in hundredths."""
    return functional.adaptive_avg_pool2d(ab / 100, THUMBNAIL)


@torch.no_grad()
def described(backbone: Backbone, lightness: Tensor) -> Tensor:
    """The means of the backbone's two coarsest maps of L `(1, h, w)`, as a vector of unit length."""
    small = functional.interpolate(lightness[None] / 100, (_SIDE, _SIDE), mode="bilinear", antialias=True)
    maps: Any = backbone(small.expand(-1, 3, -1, -1))
    means = [functional.normalize(each.mean(dim=(2, 3)), dim=1) for each in maps[-2:]]
    return functional.normalize(torch.cat(means, dim=1), dim=1)[0]

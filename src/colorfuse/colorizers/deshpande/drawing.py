"""What is drawn of training photos."""

import numpy as np
import torch
from torch import Tensor

from colorfuse.backbones import Backbone
from colorfuse.colorizers.deshpande.features import gray_features, linear_features, scene_features
from colorfuse.colorizers.deshpande.regression import Rows
from colorfuse.colorizers.deshpande.scenes import THUMBNAIL, Scenes, described, thumbnail
from colorfuse.colorizers.deshpande.system import answers

_AT_ONCE = 1 << 16


class Growing:
    """Rows of one width, of which more and more come.

    They are kept in large buffers: small tensors among large temporary ones would leave memory in pieces.
    """

    def __init__(self) -> None:
        self.buffers: list[Tensor] = []
        self.free = 0

    def append(self, rows: Tensor) -> None:
        """Add rows `(n, width)`."""
        while len(rows):
            if not self.free:
                self.buffers.append(rows.new_empty(_AT_ONCE, rows.shape[1]))
                self.free = _AT_ONCE
            some = rows[: self.free]
            self.buffers[-1][len(self.buffers[-1]) - self.free :][: len(some)] = some
            self.free -= len(some)
            rows = rows[len(some) :]

    def all(self) -> Tensor:
        """All rows `(n, width)`."""
        whole = self.buffers[:-1] + [each[: len(each) - self.free] for each in self.buffers[-1:]]
        return torch.cat(whole)


class Drawn:
    """Pixels of training photos, which are drawn of one after another.

    Args:
        backbone: Compares photos.
        samples: How many pixels of each photo are drawn.
        seed: Decides which.
    """

    def __init__(self, backbone: Backbone, samples: int, seed: int) -> None:
        self.backbone, self.samples = backbone, samples
        self.generator = torch.Generator().manual_seed(seed)
        self.sizes: list[tuple[int, int]] = []
        self.descriptions, self.thumbnails, self.places = Growing(), Growing(), Growing()
        self.splits, self.linear, self.answers = Growing(), Growing(), Growing()

    def add(self, lightness: Tensor, ab: Tensor) -> None:
        """Draw pixels of a photo: L `(1, h, w)` and ab `(2, h, w)`."""
        height, width = lightness.shape[-2:]
        at = torch.randint(height * width, (self.samples,), generator=self.generator)
        self.sizes.append((height, width))
        self.places.append(at[:, None])
        self.descriptions.append(described(self.backbone, lightness)[None])
        self.thumbnails.append(thumbnail(ab).view(1, -1))
        self.splits.append(gray_features(lightness).flatten(1)[:, at].T)
        self.linear.append(linear_features(lightness).flatten(1)[:, at].T)
        self.answers.append(answers(ab / 100).flatten(0, 1).flatten(1)[:, at].T)

    def scenes(self, matches: int) -> Scenes:
        """The photos, to find scenes among."""
        thumbnails = self.thumbnails.all().unflatten(1, (2, THUMBNAIL, THUMBNAIL))
        return Scenes(self.backbone, self.descriptions.all(), thumbnails, matches)

    def rows(self, scenes: Scenes) -> Rows:
        """All pixels, with the colours of the scene of each."""
        there, places = Growing(), self.places.all().view(-1, self.samples)
        for index, (at, size) in enumerate(zip(places, self.sizes, strict=True)):
            there.append(scene_features(scenes.of_one(index), size).flatten(1)[:, at].T)
        splits = torch.cat([self.splits.all(), there.all()], dim=1)
        photos = np.arange(len(self.sizes)).repeat(self.samples)
        return Rows(splits.numpy(), self.linear.all().numpy(), self.answers.all().numpy(), photos)

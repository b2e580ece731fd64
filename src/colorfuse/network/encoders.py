"""Encoders: convolutional branches over lightness, trained from scratch.

An encoder is called with lightness divided by 100, `(N, 1, H, W)` in 0 to 1, and returns one map for each entry of
its `maps`, fine to coarse. If its attribute `takes_hints` is true, it is also called with hints `(N, 3, H, W)`: ab in
CIELAB units, and a mask that is 1 where there is a hint and 0 elsewhere, as is ab; or with None, if there are none.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor, nn

from colorfuse.backbones.maps import MapInfo, Maps
from colorfuse.network.hint_planes import HINT_PLANES, hint_planes, no_hint_planes, widen_first_layer
from colorfuse.network.layers import init_normal_
from colorfuse.options import Count
from colorfuse.registry import Registry

encoders: Registry[nn.Module] = Registry("encoder")
register_encoder = encoders.register


def list_encoders(pattern: str = "*") -> list[str]:
    """The names of all encoders that match a shell-style pattern, sorted.

    They are those of colorfuse, of installed packages, and of `register_encoder`.

    Example:
        >>> import colorfuse
        >>> "conv" in colorfuse.list_encoders()
        True
    """
    return encoders.names(pattern)


Layers: TypeAlias = Annotated[Sequence[tuple[Count, Literal[1, 2]]], Field(min_length=1)]
"""Pairs of width and stride, one for each convolution."""

PAPER_LAYERS: Layers = ((64, 2), (128, 1), (128, 2), (256, 2), (256, 1), (512, 2), (256, 2))


@encoders.register("conv")
class ConvEncoder(nn.Module):
    """A chain of 3 x 3 convolutions that returns the last map at each size.

    The defaults are the encoder of Ioannidis and Patiniotis Spyropoulos, *Grayscale Image Colorization*: five
    layers of stride 2, LeakyReLU 0.2 after the first two layers, ReLU after the others, weights from N(0, 0.02).

    Args:
        layers: Pairs of width and stride (1 or 2), one for each convolution.
        leaky: Number of layers, from the first, that end in LeakyReLU 0.2.
        batch_norm: Put a batch norm between each convolution and its activation.
        hints: Take seven more input planes, those of `hint_planes`: the hints that a user gives, and their colours
            spread along the photo's edges. Weights of the same encoder without hints can be loaded.
    """

    maps: Maps

    def __init__(
        self,
        layers: Layers = PAPER_LAYERS,
        leaky: Annotated[int, Field(ge=0)] = 2,
        batch_norm: bool = False,
        hints: bool = False,
    ) -> None:
        super().__init__()
        self.takes_hints = hints
        self.layers = nn.ModuleList()
        infos, channels, reduction = [], 1 + HINT_PLANES * hints, 1
        for index, (width, stride) in enumerate(layers):
            activation = nn.LeakyReLU(0.2, inplace=True) if index < leaky else nn.ReLU(inplace=True)
            norm = [nn.BatchNorm2d(width)] if batch_norm else []
            self.layers.append(nn.Sequential(nn.Conv2d(channels, width, 3, stride, padding=1), *norm, activation))
            channels, reduction = width, reduction * stride
            infos.append(MapInfo(channels, reduction))
        # The last layer at each reduction is the one before a layer of stride 2, or the very last.
        self._given = [
            *(i for i, (one, after) in enumerate(pairwise(infos)) if after.reduction > one.reduction),
            len(infos) - 1,
        ]
        self.maps = tuple(infos[i] for i in self._given)
        init_normal_(self)
        if hints:
            widen_first_layer(self, "layers.0.0.weight")

    def forward(self, lightness: Tensor, hints: Tensor | None = None) -> list[Tensor]:
        """Maps of `lightness` `(N, 1, H, W)` in 0 to 1, fine to coarse; each halving rounds the size up."""
        x, maps = lightness, []
        if self.takes_hints:
            planes = no_hint_planes(lightness) if hints is None else hint_planes(lightness, hints)
            x = torch.cat([lightness, planes], dim=1)
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in self._given:
                maps.append(x)
        return maps


@encoders.register("none")
class NoEncoder(nn.Module):
    """No encoder: the network uses the backbone alone."""

    maps: Maps = ()

    def __init__(self) -> None:
        super().__init__()

    def forward(self, lightness: Tensor) -> list[Tensor]:
        """Return no maps."""
        return []

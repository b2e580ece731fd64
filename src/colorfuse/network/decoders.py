"""Decoders: turn the fused map into the output planes.

A decoder is built from the fused map, the maps of encoder and backbone, the number of planes and the activation that
ends it. It is called with the tensors of all three and the size `(H, W)` of the network's input; its planes may be
smaller, and the network resizes them.
"""

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import MapInfo, Maps, divided, resize, resize_to
from colorfuse.network.layers import double_conv, init_normal_, separable_conv
from colorfuse.options import Count
from colorfuse.registry import Registry

decoders: Registry[nn.Module] = Registry("decoder")
register_decoder, list_decoders = decoders.register, decoders.names


@decoders.register("paper")
class PaperDecoder(nn.Module):
    """The decoder of Ioannidis and Patiniotis Spyropoulos, *Grayscale Image Colorization*.

    From a fused map of reduction 32: 3 x 3 transposed convolutions with ReLU, five of which double the size, the
    encoder's maps at 1/16 and 1/8 joined after the first two, dropout after the first four and on what is joined,
    then a 1 x 1 convolution. From a finer map it has fewer of these layers, from a coarser one more of the first.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; those after the first two doublings are joined, if there are any.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: What the planes go through last.
        dropout: Probability of dropout.
    """

    def __init__(
        self,
        fused: MapInfo,
        encoder: Maps,
        backbone: Maps,
        planes: int,
        activation: nn.Module,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.25,
    ) -> None:
        super().__init__()
        doublings = max(2, math.ceil(math.log2(fused.reduction)))
        more, fewer = max(0, doublings - 5), max(0, 5 - doublings)
        widths = [512] * more + [512, 256, 128, 64, 64, 32][fewer:]
        strides = [2] * more + [2, 2, 2, 2, 1, 2][fewer:]
        # The sizes halve again from the input on, so that the last layer gives the input's.
        self._reductions = [2 ** sum(stride == 2 for stride in strides[index + 1 :]) for index in range(len(strides))]
        place_of = {info.reduction: index for index, info in enumerate(encoder)}
        self._skips = [place_of.get(reduction) for reduction in self._reductions[:2]]
        joined = [0 if index is None else encoder[index].channels for index in self._skips]
        inputs = [fused.channels, *(width + skip for width, skip in zip_longest(widths[:-1], joined, fillvalue=0))]
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 3, stride, padding=1)
            for before, after, stride in zip(inputs, widths, strides, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.planes = nn.Sequential(nn.Conv2d(32, planes, 1), activation)
        init_normal_(self)

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, H, W)` for the input size `(H, W)`."""
        sizes = [tuple(divided(side, reduction) for side in size) for reduction in self._reductions]
        x = resize(fused, tuple(divided(side, 2 * self._reductions[0]) for side in size))
        for index, (layer, wanted) in enumerate(zip(self.layers, sizes, strict=True)):
            x = functional.relu(layer(x, output_size=list(wanted)))
            if index < 4:
                x = self.dropout(x)
            if index < len(self._skips) and (skip := self._skips[index]) is not None:
                x = torch.cat([x, self.dropout(resize_to(encoded[skip], x))], dim=1)
        planes: Tensor = self.planes(x)
        return planes


class LadderDecoder(nn.Module):
    """Steps from the fused map to ever finer ones, each joined with the maps of its size from encoder and backbone.

    Upsampling is bilinear, so that no checkerboard can arise (Odena et al. 2016, *Deconvolution and checkerboard
    artifacts*); colour varies slowly, so the last doubling is that of the planes themselves.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; those finer than the fused one are joined.
        backbone: Maps of the backbone; likewise.
        planes: Number of output planes.
        activation: What the planes go through last.
        widths: Channels of each step, coarse to fine; there are as many steps as widths or finer maps, whichever
            are fewer.
        step: Makes a step of its channels before and after.
    """

    def __init__(
        self,
        fused: MapInfo,
        encoder: Maps,
        backbone: Maps,
        planes: int,
        activation: nn.Module,
        widths: Sequence[int],
        step: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        maps = [*encoder, *backbone]
        finer = sorted({info.reduction for info in maps if info.reduction < fused.reduction}, reverse=True)
        self._skips: list[list[int]] = []
        self.steps = nn.ModuleList()
        channels = fused.channels
        for width, reduction in zip(widths, finer, strict=False):
            skips = [index for index, info in enumerate(maps) if info.reduction == reduction]
            self._skips.append(skips)
            self.steps.append(step(channels + sum(maps[i].channels for i in skips), width))
            channels = width
        self.planes = nn.Conv2d(channels, planes, 1)
        self.activation = activation
        init_normal_(self.planes)

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, h, w)`, as large as the finest map that was joined."""
        maps, x = [*encoded, *features], fused
        for step, indices in zip(self.steps, self._skips, strict=True):
            skips = [resize_to(maps[index], maps[indices[0]]) for index in indices]
            x = step(torch.cat([resize_to(x, skips[0]), *skips], dim=1))
        planes: Tensor = self.activation(self.planes(x))
        return planes


@decoders.register("light")
def light_decoder(
    fused: MapInfo,
    encoder: Maps,
    backbone: Maps,
    planes: int,
    activation: nn.Module,
    widths: Sequence[Count] = (256, 128, 64, 32),
) -> LadderDecoder:
    """A ladder of depthwise separable convolutions (MobileNet, Howard et al. 2017), for phones and CPUs."""
    return LadderDecoder(fused, encoder, backbone, planes, activation, widths, separable_conv)


@decoders.register("unet")
def unet_decoder(
    fused: MapInfo,
    encoder: Maps,
    backbone: Maps,
    planes: int,
    activation: nn.Module,
    widths: Sequence[Count] = (512, 256, 128, 64, 32),
) -> LadderDecoder:
    """A ladder of two 3 x 3 convolutions a step (Ronneberger et al. 2015, *U-Net*), after bilinear upsampling."""
    return LadderDecoder(fused, encoder, backbone, planes, activation, widths, double_conv)


@decoders.register("plain")
class PlainDecoder(nn.Module):
    """Convolutions with ReLU, some after the map was enlarged to the nearest pixel, and nothing joined on the way.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; not used.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: What the planes go through last.
        layers: Pairs of width and of how many times the map is enlarged before, one for each convolution.
        kernel: Side of the convolutions' kernels.
        batch_norm: Put a batch norm between each convolution and its ReLU.
    """

    def __init__(
        self,
        fused: MapInfo,
        encoder: Maps,
        backbone: Maps,
        planes: int,
        activation: nn.Module,
        layers: Sequence[tuple[Count, Count]] = (),
        kernel: Literal[1, 3, 5, 7] = 3,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        channels = fused.channels
        for width, enlarged in layers:
            self.layers.extend([nn.Upsample(scale_factor=enlarged)] if enlarged > 1 else [])
            self.layers.append(nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=not batch_norm))
            self.layers.extend([nn.BatchNorm2d(width)] if batch_norm else [])
            self.layers.append(nn.ReLU(inplace=True))
            channels = width
        self.planes = nn.Sequential(nn.Conv2d(channels, planes, kernel, padding=kernel // 2), activation)

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, h, w)`, as many times larger than the fused map as the layers say."""
        planes: Tensor = self.planes(self.layers(fused))
        return planes

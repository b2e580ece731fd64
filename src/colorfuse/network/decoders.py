"""Decoders: turn the fused map into the output planes.

A decoder is built from the descriptions of the fused map and of the encoder's and backbone's maps, the number of
planes and the final activation. It is called with the tensors of all three and the size `(H, W)` of the network's
input. Its planes may be smaller than the input; the network resizes them.
"""

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import MapInfo, Maps, ceil_div, resize, resize_to
from colorfuse.network.layers import double_conv, init_normal_, separable_conv
from colorfuse.options import Count
from colorfuse.registry import Registry

decoders: Registry[nn.Module] = Registry("decoder")
register_decoder = decoders.register


def list_decoders(pattern: str = "*") -> list[str]:
    """The names of all decoders that match a shell-style pattern, sorted.

    They are those of colorfuse, of installed packages, and of `register_decoder`.

    Example:
        >>> import colorfuse
        >>> "light" in colorfuse.list_decoders()
        True
    """
    return decoders.names(pattern)


@decoders.register("paper")
class PaperDecoder(nn.Module):
    """The decoder of Ioannidis and Patiniotis Spyropoulos, *Grayscale Image Colorization*.

    For a fused map of reduction 32, there are six 3 x 3 transposed convolutions with ReLU, five of which double the
    size. The encoder's maps at 1/16 and 1/8 are concatenated after the first two. Dropout follows the first four
    layers and is also applied to the concatenated maps. A 1 x 1 convolution predicts the planes. For a finer map, the
    first layers are left out; for a coarser one, the first layer is repeated.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; any as large as the outputs of the first two layers are concatenated to them.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: Module applied to the planes last.
        dropout: Dropout probability.
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
        # Reductions of the layers' outputs, counted back from the last, which has exactly the input's size.
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
        sizes = [tuple(ceil_div(side, reduction) for side in size) for reduction in self._reductions]
        x = resize(fused, tuple(ceil_div(side, 2 * self._reductions[0]) for side in size))
        for index, (layer, wanted) in enumerate(zip(self.layers, sizes, strict=True)):
            x = functional.relu(layer(x, output_size=list(wanted)))
            if index < 4:
                x = self.dropout(x)
            if index < len(self._skips) and (skip := self._skips[index]) is not None:
                x = torch.cat([x, self.dropout(resize_to(encoded[skip], x))], dim=1)
        planes: Tensor = self.planes(x)
        return planes


class LadderDecoder(nn.Module):
    """Upsamples the fused map step by step, and concatenates the maps of encoder and backbone at each size.

    Upsampling is bilinear, which avoids checkerboard artifacts (Odena et al. 2016, *Deconvolution and checkerboard
    artifacts*). Colour varies slowly across a photo, so the last doubling is done by resizing the planes.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; those finer than the fused map are concatenated.
        backbone: Maps of the backbone, used in the same way.
        planes: Number of output planes.
        activation: Module applied to the planes last.
        widths: Output channels of each step, coarse to fine. There is one step per width or per finer size,
            whichever are fewer.
        step: Builds a step from its input channels and output channels.
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
        """Planes `(N, planes, h, w)`, as large as the finest concatenated map."""
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
    """A `LadderDecoder` of depthwise separable convolutions (MobileNet, Howard et al. 2017), for phones and CPUs."""
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
    """A `LadderDecoder` with two 3 x 3 convolutions per step (Ronneberger et al. 2015, *U-Net*)."""
    return LadderDecoder(fused, encoder, backbone, planes, activation, widths, double_conv)


@decoders.register("plain")
class PlainDecoder(nn.Module):
    """Convolutions with ReLU and nearest-neighbour upsampling, without skip connections.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; not used.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: Module applied to the planes last.
        layers: Pairs of width and upsampling factor, one for each convolution; the map is upsampled first.
        kernel: Kernel size of the convolutions.
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
        """Planes `(N, planes, h, w)`: the size of the fused map times all upsampling factors."""
        planes: Tensor = self.planes(self.layers(fused))
        return planes

"""Decoders: turn the fused map into the output planes, at the size of the input.

A decoder is built from the fused map, the maps of encoder and backbone, the number of planes and the activation that
ends it. It is called with the tensors of all three and the size `(H, W)` of the network's input.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.maps import MapInfo, Maps, resize_to
from colorfuse.network.layers import init_normal_, separable_conv
from colorfuse.registry import Registry

decoders: Registry[nn.Module] = Registry("decoder")


@decoders.register("paper")
class PaperDecoder(nn.Module):
    """The decoder of Ioannidis and Patiniotis Spyropoulos, *Grayscale Image Colorization*.

    3 x 3 transposed convolutions with ReLU, five of which double the size, the encoder's maps at 1/16 and 1/8
    joined after the first two, dropout after the first four and on what is joined, then a 1 x 1 convolution.

    Args:
        fused: The fused map; its reduction must be 32.
        encoder: Maps of the encoder; those with reduction 16 and 8 are joined.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: What the planes go through last.
        dropout: Probability of dropout.

    Raises:
        ValueError: The fused map has another reduction, or the encoder has none of 16 or 8.
    """

    def __init__(
        self,
        fused: MapInfo,
        encoder: Maps,
        backbone: Maps,
        planes: int,
        activation: nn.Module,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        reductions = [info.reduction for info in encoder]
        if fused.reduction != 32 or not {16, 8} <= set(reductions):
            raise ValueError(
                "the decoder 'paper' needs a fused map of reduction 32 and encoder maps of reductions 16 and 8, "
                f"not {fused.reduction} and {reductions}"
            )
        self._skips = [reductions.index(16), reductions.index(8)]
        joined = [encoder[index].channels for index in self._skips] + [0, 0, 0]
        widths = [512, 256, 128, 64, 64]
        strides = [2, 2, 2, 2, 1, 2]
        inputs = [fused.channels, *(w + j for w, j in zip(widths, joined, strict=True))]
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 3, stride, padding=1)
            for before, after, stride in zip(inputs, [*widths, 32], strides, strict=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.planes = nn.Sequential(nn.Conv2d(32, planes, 1), activation)
        init_normal_(self)

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, H, W)` for the input size `(H, W)`."""
        x = fused
        for index, (layer, reduction) in enumerate(zip(self.layers, (16, 8, 4, 2, 2, 1), strict=True)):
            x = functional.relu(layer(x, output_size=[math.ceil(side / reduction) for side in size]))
            if index < 4:
                x = self.dropout(x)
            if index < len(self._skips):
                x = torch.cat([x, self.dropout(encoded[self._skips[index]])], dim=1)
        planes: Tensor = self.planes(x)
        return planes


@decoders.register("light")
class LightDecoder(nn.Module):
    """Depthwise separable convolutions up to half the input's size, joined with every finer map on the way.

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
    """

    def __init__(
        self,
        fused: MapInfo,
        encoder: Maps,
        backbone: Maps,
        planes: int,
        activation: nn.Module,
        widths: Sequence[int] = (256, 128, 64, 32),
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
            self.steps.append(separable_conv(channels + sum(maps[i].channels for i in skips), width))
            channels = width
        self.planes = nn.Conv2d(channels, planes, 1)
        self.activation = activation
        init_normal_(self.planes)

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, H, W)` for the input size `(H, W)`."""
        maps, x = [*encoded, *features], fused
        for step, indices in zip(self.steps, self._skips, strict=True):
            skips = [resize_to(maps[index], maps[indices[0]]) for index in indices]
            x = step(torch.cat([resize_to(x, skips[0]), *skips], dim=1))
        planes: Tensor = self.activation(self.planes(x))
        return functional.interpolate(planes, size=size, mode="bilinear")

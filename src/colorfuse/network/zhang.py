"""Encoders and decoders of two networks by R. Zhang and others.

They are the eight blocks of *Colorful image colorization* (Zhang, Isola, Efros 2016) and the U-shaped network of
*Real-time user-guided image colorization with learned deep priors* (Zhang, Zhu, Isola, Geng, Lin, Yu, Efros 2017),
each with the layers of the authors' release. The first seven blocks are the encoder here; the upsampling blocks are
the decoder.
"""

import torch
from torch import Tensor, nn

from colorfuse.backbones.maps import MapInfo, Maps, resize_to
from colorfuse.hints.overall import GLOBAL_VALUES
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.hint_planes import HINT_AB_SCALE

_WIDTHS_AND_DILATIONS = ((256, 1), (512, 1), (512, 2), (512, 2), (512, 1))
"""Widths and dilations of blocks three to seven, which have three convolutions each."""
_WITH_GLOBAL = 3
"""Index of the block whose output global hints are added to."""


@encoders.register("zhang2016")
class Zhang2016Encoder(nn.Module):
    """Seven blocks of 3 x 3 convolutions with ReLU and a batch norm; the fifth and sixth blocks are dilated.

    A block that halves the map does so in its last convolution. One map is returned, at an eighth of the input size.
    """

    maps: Maps = (MapInfo(512, 8),)

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(_block(1, 64, 2, stride=2), _block(64, 128, 2, stride=2))
        channels = 128
        for width, dilation in _WIDTHS_AND_DILATIONS:
            self.blocks.append(_block(channels, width, 3, stride=2 if width == 256 else 1, dilation=dilation))
            channels = width

    def forward(self, lightness: Tensor) -> list[Tensor]:
        """The map of `lightness` `(N, 1, H, W)` in 0 to 1."""
        return [self.blocks(lightness - 0.5)]


@decoders.register("zhang2016")
class Zhang2016Decoder(nn.Module):
    """The eighth block: a transposed convolution that doubles the map, then two 3 x 3 and one 1 x 1 convolution.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder; not used.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: Module applied to the planes last.
    """

    def __init__(self, fused: MapInfo, encoder: Maps, backbone: Maps, planes: int, activation: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(fused.channels, 256, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            *_convolutions(256, 256, 2),
            nn.Conv2d(256, planes, 1),
            activation,
        )

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, h, w)`, twice as large as the fused map."""
        planes: Tensor = self.layers(fused)
        return planes


@encoders.register("zhang2017")
class Zhang2017Encoder(nn.Module):
    """Like the encoder of 2016, but it subsamples the maps between blocks, and returns them too.

    The convolutions have no stride; instead, every other row and column is dropped before blocks two to four. Three
    more input planes are for hints: the colours of chosen pixels divided by 110, and a mask of these pixels.

    Args:
        global_hints: Take global hints as well: the histogram of the colours and the mean saturation of the photo, or
            of a reference photo. Each passes a 1 x 1 convolution; their sum passes three more, and is added to the
            output of the fourth block at all places (section 3.3).
    """

    takes_hints = True

    maps: Maps = (MapInfo(64, 1), MapInfo(128, 2), MapInfo(256, 4), MapInfo(512, 8))

    def __init__(self, global_hints: bool = False) -> None:
        super().__init__()
        self.takes_global_hints = global_hints
        self.whole = _GlobalHints() if global_hints else None
        self.blocks = nn.ModuleList([_block(4, 64, 2), _block(64, 128, 2)])
        channels = 128
        for width, dilation in _WIDTHS_AND_DILATIONS:
            self.blocks.append(_block(channels, width, 3, dilation=dilation))
            channels = width

    def forward(self, lightness: Tensor, hints: Tensor | None, global_hints: Tensor | None = None) -> list[Tensor]:
        """The maps of `lightness` `(N, 1, H, W)` in 0 to 1, with hints `(N, 3, H, W)` and global ones `(N, 316)`."""
        given = torch.zeros_like(lightness).expand(-1, 3, -1, -1) if hints is None else hints.to(lightness)
        ab, mask = given.split((2, 1), dim=1)
        x, maps = torch.cat([lightness - 0.5, ab / HINT_AB_SCALE, mask], dim=1), []
        for index, block in enumerate(self.blocks):
            x = block(x[..., ::2, ::2] if 1 <= index <= 3 else x)
            if index == _WITH_GLOBAL and self.whole is not None:
                x = x + self.whole(global_hints)
            maps.append(x)
        return [*maps[:3], maps[-1]]


class _GlobalHints(nn.Module):
    """Maps global hints `(N, 316)` to `(N, 512, 1, 1)`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ModuleList(nn.Conv2d(values, 512, 1) for values in (GLOBAL_VALUES - 2, 2))
        self.layers = nn.Sequential(nn.ReLU(inplace=True), nn.BatchNorm2d(512))
        for _ in range(3):
            self.layers.extend([nn.Conv2d(512, 512, 1), nn.ReLU(inplace=True), nn.BatchNorm2d(512)])

    def forward(self, global_hints: Tensor) -> Tensor:
        histogram, saturation = global_hints[..., None, None].split((GLOBAL_VALUES - 2, 2), dim=1)
        described: Tensor = self.layers(self.first[0](histogram) + self.first[1](saturation))
        return described


@decoders.register("zhang2017")
class Zhang2017Decoder(nn.Module):
    """Three blocks that each double the map and add the encoder's map of the new size, if there is one.

    Args:
        fused: The fused map.
        encoder: Maps of the encoder.
        backbone: Maps of the backbone; not used.
        planes: Number of output planes.
        activation: Module applied to the planes last.
    """

    def __init__(self, fused: MapInfo, encoder: Maps, backbone: Maps, planes: int, activation: nn.Module) -> None:
        super().__init__()
        place_of = {info.reduction: index for index, info in enumerate(encoder)}
        self._skips = [place_of.get(fused.reduction // enlarged) for enlarged in (2, 4, 8)]
        inputs, widths = (fused.channels, 256, 128), (256, 128, 128)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(before, width, 4, stride=2, padding=1)
            for before, width in zip(inputs, widths, strict=True)
        )
        self.across = nn.ModuleList(
            nn.Identity() if skip is None else nn.Conv2d(encoder[skip].channels, width, 3, padding=1)
            for skip, width in zip(self._skips, widths, strict=True)
        )
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(nn.ReLU(inplace=True), *_convolutions(256, 256, 2), nn.BatchNorm2d(256)),
                nn.Sequential(nn.ReLU(inplace=True), *_convolutions(128, 128, 1), nn.BatchNorm2d(128)),
                nn.Sequential(
                    nn.ReLU(inplace=True), nn.Conv2d(128, 128, 3, padding=1), nn.LeakyReLU(0.2, inplace=True)
                ),
            ]
        )
        self.planes = nn.Sequential(nn.Conv2d(128, planes, 1), activation)

    def forward(self, fused: Tensor, encoded: list[Tensor], features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Planes `(N, planes, h, w)`, eight times as large as the fused map."""
        x = fused
        for up, across, skip, block in zip(self.up, self.across, self._skips, self.blocks, strict=True):
            x = up(x)
            if skip is not None:
                beside = across(encoded[skip])
                x = resize_to(x, beside) + beside
            x = block(x)
        planes: Tensor = self.planes(x)
        return planes


def _block(channels: int, width: int, layers: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolutions with ReLU, the last of which has the stride, then a batch norm."""
    return nn.Sequential(*_convolutions(channels, width, layers, stride, dilation), nn.BatchNorm2d(width))


def _convolutions(channels: int, width: int, layers: int, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for layer in range(layers):
        last = stride if layer == layers - 1 else 1
        before = width if layer else channels
        modules += [
            nn.Conv2d(before, width, 3, last, padding=dilation, dilation=dilation),
            nn.ReLU(inplace=True),
        ]
    return modules

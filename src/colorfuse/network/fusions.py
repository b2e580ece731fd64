"""Fusions: join the encoder's maps with the backbone's.

A fusion is built from the descriptions of both parts' maps, describes its output in `map`, and is called with both
lists of tensors.
"""

import functools
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import MapInfo, Maps, resize_to
from colorfuse.network.layers import init_normal_
from colorfuse.options import Count
from colorfuse.registry import Registry

fusions: Registry[nn.Module] = Registry("fusion")
register_fusion = fusions.register


def list_fusions(pattern: str = "*") -> list[str]:
    """The names of all fusions that match a shell-style pattern, sorted.

    They are those of colorfuse, of installed packages, and of `register_fusion`.

    Example:
        >>> import colorfuse
        >>> "concat" in colorfuse.list_fusions()
        True
    """
    return fusions.names(pattern)


Map = TypeVar("Map", MapInfo, Tensor)


@fusions.register("concat")
class ConcatFusion(nn.Module):
    """Concatenates both last maps, applies a 1 x 1 convolution with ReLU, and appends the encoder's map again.

    The fusion of Ioannidis and Patiniotis Spyropoulos, *Grayscale Image Colorization*. The backbone's map is
    resized to the encoder's if their sizes differ.

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.
        channels: Output channels of the convolution.

    Raises:
        ValueError: There is no backbone.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps, channels: Count = 512) -> None:
        super().__init__()
        _check_backbone("concat", backbone)
        local = _local(encoder, backbone)
        self.mix = _mix(local.channels + backbone[-1].channels, channels)
        self.map = MapInfo(channels + local.channels, local.reduction)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """One map `(N, map.channels, h, w)` at the size of the encoder's last map."""
        local = _local(encoded, features)
        mixed = self.mix(torch.cat([resize_to(features[-1], local), local], dim=1))
        return torch.cat([mixed, local], dim=1)


@fusions.register("global")
class GlobalFusion(nn.Module):
    """Appends the mean of the backbone's last map to each position of the encoder's, then applies a convolution.

    The fusion layer of Iizuka, Simo-Serra and Ishikawa 2016, *Let there be color!*, section 3.2. The
    convolution is 1 x 1 with ReLU. Without a backbone, the mean of the encoder's last map is appended to each
    position of its second-to-last map.

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.
        channels: Output channels of the convolution.

    Raises:
        ValueError: There is no backbone, and the encoder has fewer than two maps.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps, channels: Count = 256) -> None:
        super().__init__()
        if len(encoder) < 2:
            _check_backbone("global", backbone)
        local, whole = self._parts(encoder, backbone)
        self.mix = _mix(local.channels + whole.channels, channels)
        self.map = MapInfo(channels, local.reduction)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """One map `(N, map.channels, h, w)` at the size of the local map."""
        local, whole = self._parts(encoded, features)
        whole = whole.mean(dim=(-2, -1), keepdim=True).expand(-1, -1, *local.shape[-2:])
        mixed: Tensor = self.mix(torch.cat([local, whole], dim=1))
        return mixed

    @staticmethod
    def _parts(encoded: Sequence[Map], features: Sequence[Map]) -> tuple[Map, Map]:
        """Return the local map, whose positions are kept, and the map whose mean is taken."""
        return (_local(encoded, features), features[-1]) if features else (encoded[-2], encoded[-1])


@fusions.register("film")
class FilmFusion(nn.Module):
    """Scales and shifts each channel of the encoder's last map, depending on the mean of the backbone's last map.

    Feature-wise linear modulation (Perez et al. 2018, *FiLM: visual reasoning with a general conditioning layer*).

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.
        channels: Channels of the map that is scaled and shifted.

    Raises:
        ValueError: There is no backbone.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps, channels: Count = 256) -> None:
        super().__init__()
        _check_backbone("film", backbone)
        local = _local(encoder, backbone)
        self.narrow = nn.Conv2d(local.channels, channels, 1)
        self.modulate = nn.Conv2d(backbone[-1].channels, 2 * channels, 1)
        self.map = MapInfo(channels, local.reduction)
        init_normal_(self)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """One map `(N, map.channels, h, w)` at the size of the encoder's last map."""
        scale, shift = self.modulate(features[-1].mean(dim=(-2, -1), keepdim=True)).chunk(2, dim=1)
        return functional.relu(self.narrow(_local(encoded, features)) * (1 + scale) + shift)


@fusions.register("attention")
class AttentionFusion(nn.Module):
    """Each position of the encoder's last map attends to all positions of the backbone's last map.

    Cross-attention (Vaswani et al. 2017, *Attention is all you need*, section 3.2) with queries from the encoder
    and keys and values from the backbone. The queries are added to the result.

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.
        channels: Channels of queries, keys and values; a multiple of `heads`.
        heads: Number of attention heads.

    Raises:
        ValueError: `channels` is not a multiple of `heads`, or there is no backbone.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps, channels: Count = 256, heads: Count = 4) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"the fusion 'attention' has channels={channels}, no multiple of heads={heads}")
        _check_backbone("attention", backbone)
        local = _local(encoder, backbone)
        self.heads = heads
        self.ask = nn.Conv2d(local.channels, channels, 1)
        self.offer = nn.Conv2d(backbone[-1].channels, 2 * channels, 1)
        self.join = nn.Conv2d(channels, channels, 1)
        self.map = MapInfo(channels, local.reduction)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """One map `(N, map.channels, h, w)` at the size of the encoder's last map."""
        asked = self.ask(_local(encoded, features))
        keys, values = self.offer(features[-1]).chunk(2, dim=1)
        found = functional.scaled_dot_product_attention(
            self._as_tokens(asked), self._as_tokens(keys), self._as_tokens(values)
        )
        return functional.relu(asked + self.join(found.mT.flatten(1, 2).unflatten(-1, asked.shape[-2:])))

    def _as_tokens(self, maps: Tensor) -> Tensor:
        """Reshape `(N, C, h, w)` to `(N, heads, h * w, C / heads)`."""
        tokens: Tensor = maps.flatten(2).unflatten(1, (self.heads, -1)).mT
        return tokens


@fusions.register("hypercolumn")
class HypercolumnFusion(nn.Module):
    """Resizes all maps to one size, concatenates them, and applies a 1 x 1 convolution with ReLU.

    Hypercolumns (Hariharan et al. 2015), as in Larsson, Maire and Shakhnarovich 2016, *Learning representations for
    automatic colorization*, section 3.1. A 1 x 1 convolution of concatenated maps is the sum of one convolution per
    map, and resizing may come before or after it. Each map is convolved at the smaller size, which takes far less
    memory.

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.
        channels: Output channels of the convolution.
        reduction: The output has the size of the finest map that is at least this many times smaller than the input,
            or of the coarsest map if there is none.

    Raises:
        ValueError: There is neither an encoder nor a backbone.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps, channels: Count = 256, reduction: Count = 8) -> None:
        super().__init__()
        maps = [*encoder, *backbone]
        if not maps:
            raise _needs("hypercolumn", "an encoder or a backbone")
        reduction = min(reduction, max(info.reduction for info in maps))
        self._size_of = min(
            (index for index, info in enumerate(maps) if info.reduction >= reduction),
            key=lambda index: maps[index].reduction,
        )
        self.mix = nn.ModuleList(
            nn.Conv2d(info.channels, channels, 1, bias=index == self._size_of) for index, info in enumerate(maps)
        )
        self.map = MapInfo(channels, maps[self._size_of].reduction)
        init_normal_(self)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """One map `(N, map.channels, h, w)`."""
        maps = [*encoded, *features]
        like = maps[self._size_of]
        mixed = (self._mixed(mix, given, like) for mix, given in zip(self.mix, maps, strict=True))
        return functional.relu(functools.reduce(torch.add, mixed))

    @staticmethod
    def _mixed(mix: nn.Module, given: Tensor, like: Tensor) -> Tensor:
        if given.shape[-2] > like.shape[-2]:
            mixed: Tensor = mix(resize_to(given, like))
            return mixed
        return resize_to(mix(given), like)


@fusions.register("none")
class NoFusion(nn.Module):
    """Passes on the encoder's last map, or the backbone's if there is no encoder.

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.

    Raises:
        ValueError: There is neither an encoder nor a backbone.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps) -> None:
        super().__init__()
        if not encoder and not backbone:
            raise _needs("none", "an encoder or a backbone")
        self.map = _local(encoder, backbone)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """Return that map, `(N, map.channels, h, w)`."""
        return _local(encoded, features)


def _check_backbone(fusion: str, backbone: Maps) -> None:
    if not backbone:
        raise _needs(fusion, "a backbone")


def _needs(fusion: str, what: str) -> ValueError:
    return ValueError(f"the fusion {fusion!r} needs {what}, and there is none; choose another fusion or another part")


def _local(encoded: Sequence[Map], features: Sequence[Map]) -> Map:
    """The encoder's last map, or the backbone's where there is no encoder."""
    return encoded[-1] if encoded else features[-1]


def _mix(in_channels: int, channels: int) -> nn.Sequential:
    mix = nn.Sequential(nn.Conv2d(in_channels, channels, 1), nn.ReLU(inplace=True))
    init_normal_(mix)
    return mix

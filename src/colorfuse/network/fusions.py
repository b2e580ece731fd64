"""Fusions: join the encoder's maps with the backbone's.

A fusion is built from the maps of both, says in `map` what it gives, and is called with both lists of tensors.
"""

import torch
from torch import Tensor, nn

from colorfuse.maps import MapInfo, Maps, resize_to
from colorfuse.network.layers import init_normal_
from colorfuse.registry import Registry

fusions: Registry[nn.Module] = Registry("fusion")


@fusions.register("concat")
class ConcatFusion(nn.Module):
    """The backbone's last map beside the encoder's, a 1 x 1 convolution with ReLU, beside the encoder's again.

    The fusion of Ioannidis and Patiniotis Spyropoulos, *Grayscale Image Colorization*. The backbone's map is
    resized to the encoder's where they differ.

    Args:
        encoder: Maps of the encoder, fine to coarse.
        backbone: Maps of the backbone, fine to coarse.
        channels: Width of the convolution.
    """

    map: MapInfo

    def __init__(self, encoder: Maps, backbone: Maps, channels: int = 512) -> None:
        super().__init__()
        local = encoder[-1]
        self.mix = nn.Sequential(
            nn.Conv2d(local.channels + backbone[-1].channels, channels, 1), nn.ReLU(inplace=True)
        )
        self.map = MapInfo(channels + local.channels, local.reduction)
        init_normal_(self)

    def forward(self, encoded: list[Tensor], features: list[Tensor]) -> Tensor:
        """One map `(N, map.channels, h, w)` at the size of the encoder's last."""
        local = encoded[-1]
        mixed = self.mix(torch.cat([resize_to(features[-1], local), local], dim=1))
        return torch.cat([mixed, local], dim=1)

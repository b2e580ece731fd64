"""A backbone and fusions that an installed package adds."""

import torch

import colorfuse


class Edges(torch.nn.Conv2d):
    maps = (colorfuse.MapInfo(channels=8, reduction=2),)

    def __init__(self):
        super().__init__(3, 8, kernel_size=3, stride=2, padding=1)

    def forward(self, images):
        return [super().forward(images)]


class LastFusion(torch.nn.Module):
    def __init__(self, encoder, backbone):
        super().__init__()
        self.map = backbone[-1]

    def forward(self, encoded, features):
        return features[-1]


@colorfuse.register_fusion("also_decorated")
class AlsoDecorated(LastFusion):
    pass

"""Building blocks that several parts share."""

from torch import nn


def init_normal_(module: nn.Module, std: float = 0.02) -> None:
    """Draw all convolution weights of `module` from N(0, std) and set their biases to zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def separable_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 3 x 3 depthwise and a 1 x 1 convolution, each with batch norm and ReLU (MobileNet, Howard et al. 2017)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each with batch norm and ReLU."""
    widths = ((in_channels, out_channels), (out_channels, out_channels))
    return nn.Sequential(
        *(
            layer
            for before, after in widths
            for layer in (
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            )
        )
    )

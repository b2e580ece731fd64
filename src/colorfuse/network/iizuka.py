"""The encoder of Iizuka, Simo-Serra and Ishikawa 2016, *Let there be color!*, with local and global features."""

from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import MapInfo, Maps
from colorfuse.network.encoders import encoders

_LOW = ((64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1))
_MIDDLE = ((512, 1), (256, 1))
_GLOBAL = ((512, 2), (512, 1), (512, 2), (512, 1))


@encoders.register("iizuka2016")
class Iizuka2016Encoder(nn.Module):
    """Low-level features, from which it computes local mid-level features and global features of the photo.

    All layers are 3 x 3 convolutions with batch norm and ReLU, strided instead of pooled, except for three fully
    connected layers for the global features (section 3.1, table 1). The input of these is pooled to 7 x 7, its size
    for the paper's photos of 224 x 224, so that photos may have any size. The encoder returns two maps: the mid-level
    features at an eighth of the input size, and the global features as a 1 x 1 map.
    """

    maps: Maps = (MapInfo(256, 8), MapInfo(256, 224))

    def __init__(self) -> None:
        super().__init__()
        self.low = _convolutions(1, _LOW)
        self.middle = _convolutions(512, _MIDDLE)
        self.whole = _convolutions(512, _GLOBAL)
        self.connected = nn.Sequential()
        for before, width in ((7 * 7 * 512, 1024), (1024, 512), (512, 256)):
            self.connected.extend([nn.Linear(before, width), nn.ReLU(inplace=True)])

    def forward(self, lightness: Tensor) -> list[Tensor]:
        """Both maps of `lightness` `(N, 1, H, W)` in 0 to 1."""
        low = self.low(lightness)
        whole = functional.adaptive_avg_pool2d(self.whole(low), 7)
        return [self.middle(low), self.connected(whole.flatten(1))[..., None, None]]


def _convolutions(channels: int, widths_and_strides: tuple[tuple[int, int], ...]) -> nn.Sequential:
    layers = nn.Sequential()
    for width, stride in widths_and_strides:
        convolution = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        layers.extend([convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)])
        channels = width
    return layers

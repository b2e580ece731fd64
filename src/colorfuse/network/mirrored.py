"""Test-time augmentation with mirrored photos."""

from torch import Tensor, nn

from colorfuse.network.fusion_network import FusionNetwork


class FlipAveraged(nn.Module):
    """Averages a network's planes for a photo with those for its mirror image, mirrored back.

    Args:
        network: A `FusionNetwork`.
    """

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    @property
    def takes_hints(self) -> bool:
        """Whether hints have an effect."""
        return self.network.takes_hints

    def forward(self, lightness: Tensor, stride: int = 1, hints: Tensor | None = None) -> Tensor:
        """Return the mean planes `(N, C, h, w)`."""
        planes: Tensor = self.network(lightness, stride, hints)
        mirrored: Tensor = self.network(lightness.flip(-1), stride, None if hints is None else hints.flip(-1))
        mean: Tensor = (planes + mirrored.flip(-1)) / 2
        return mean

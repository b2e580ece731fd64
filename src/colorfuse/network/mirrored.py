"""Test-time augmentation with mirrored photos."""

from torch import Tensor, nn


class FlipAveraged(nn.Module):
    """Averages a network's planes for a photo with those for its mirror image, mirrored back.

    Args:
        network: Turns lightness `(N, 1, H, W)` and a stride into planes `(N, C, h, w)`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lightness: Tensor, stride: int = 1) -> Tensor:
        """Return the mean planes `(N, C, h, w)`."""
        mean: Tensor = (self.network(lightness, stride) + self.network(lightness.flip(-1), stride).flip(-1)) / 2
        return mean

"""A network that looks at a photo twice."""

from torch import Tensor, nn


class Mirrored(nn.Module):
    """The mean of what a network gives of photos and, mirrored back, of their mirror images.

    Args:
        network: From lightness `(N, 1, H, W)` and a stride to planes `(N, C, h, w)`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lightness: Tensor, stride: int = 1) -> Tensor:
        """The planes `(N, C, h, w)`."""
        mean: Tensor = (self.network(lightness, stride) + self.network(lightness.flip(-1), stride).flip(-1)) / 2
        return mean

"""Networks that take the colours of a reference photo."""

from torch import Tensor, nn

from colorfuse.network.fusion_network import FusionNetwork


class Referring(nn.Module):
    """Gives a network the same global hints for all photos.

    Args:
        network: A network that takes global hints.
        global_hints: `(1, 316)`, those of the reference photo.
    """

    global_hints: Tensor

    def __init__(self, network: FusionNetwork, global_hints: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("global_hints", global_hints)

    @property
    def takes_hints(self) -> bool:
        """Whether hints have an effect."""
        return self.network.takes_hints

    def forward(self, lightness: Tensor, stride: int = 1, hints: Tensor | None = None) -> Tensor:
        """Predict planes, as the network does."""
        planes: Tensor = self.network(lightness, stride, hints, self.global_hints.expand(len(lightness), -1))
        return planes

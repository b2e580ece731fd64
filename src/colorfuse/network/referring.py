"""Networks that take the colours of reference photos."""

import torch
from torch import Tensor, nn

from colorfuse.network.fusion_network import FusionNetwork
from colorfuse.network.matching import Matcher


class Referring(nn.Module):
    """Gives a network what it can take of reference photos: hints where a photo looks like them, and global hints.

    Args:
        network: A network that takes either.
        matcher: Finds hints, for a network that takes these; or None.
        global_hints: `(1, 316)`, for a network that takes these; or None.
    """

    global_hints: Tensor | None

    def __init__(self, network: FusionNetwork, matcher: Matcher | None, global_hints: Tensor | None) -> None:
        super().__init__()
        self.network = network
        self.matcher = matcher
        self.register_buffer("global_hints", global_hints)

    @property
    def unreferred(self) -> FusionNetwork:
        """The network without references."""
        return self.network

    @property
    def takes_hints(self) -> bool:
        """Whether hints have an effect."""
        return self.network.takes_hints

    def forward(
        self,
        lightness: Tensor,
        stride: int = 1,
        hints: Tensor | None = None,
        features: list[Tensor] | None = None,
    ) -> Tensor:
        """Predict planes, as the network does; the user's hints come before those that are found."""
        found, *maps = self.features(lightness) if features is None else features
        given = found if hints is None else torch.where(hints[:, 2:] > 0, hints, found)
        whole = None if self.global_hints is None else self.global_hints.to(lightness).expand(len(lightness), -1)
        planes: Tensor = self.network(lightness, stride, given, whole, maps)
        return planes

    def features(self, lightness: Tensor) -> list[Tensor]:
        """The hints that are found for lightness `(N, 1, H, W)`, and the maps of the network's backbone."""
        none = torch.zeros_like(lightness).expand(-1, 3, -1, -1)
        found = self.matcher(self.network, lightness) if self.matcher else none
        return [found, *self.network.features(lightness)]

"""Means over the predictions of several networks."""

from typing import Any

from torch import Tensor, nn


class NetworksAveraged(nn.Module):
    """Averages the planes of two networks; of logits, that is the normalized geometric mean of their distributions.

    Args:
        network: A `FusionNetwork`, or one derived from it.
        other: Another with planes of the same meaning; it may have another dtype.
        share: The weight of the other's planes, from 0 to 1.
        hints_for_other: Whether the other network gets hints too.
    """

    def __init__(self, network: Any, other: Any, share: float, hints_for_other: bool) -> None:
        super().__init__()
        self.network = network
        self.other = other
        self.share = share
        self.hints_for_other = hints_for_other

    @property
    def takes_hints(self) -> bool:
        """Whether hints have an effect."""
        return bool(self.network.takes_hints)

    def forward(self, lightness: Tensor, stride: int = 1, hints: Tensor | None = None) -> Tensor:
        """Return the mean planes `(N, C, h, w)`."""
        like = next(self.other.parameters())
        given = hints.to(like) if hints is not None and self.hints_for_other else None
        planes: Tensor = self.network(lightness, stride, hints)
        return planes.lerp(self.other(lightness.to(like), stride, given).to(planes), self.share)

"""What every objective does, and the registry of them."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from colorfuse.registry import Registry


class Objective(nn.Module, ABC):
    """A loss between planes and true ab, and the reading of planes as ab.

    Attributes:
        planes: How many planes the network gives.
        activation: What ends the network's decoder.
    """

    planes: int
    activation: nn.Module

    @abstractmethod
    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """The loss, a scalar, of planes `(N, planes, H, W)` against ab `(N, 2, H, W)` in CIELAB units."""

    @abstractmethod
    def read(self, planes: Tensor) -> Tensor:
        """The ab `(N, 2, H, W)` in CIELAB units that planes `(N, planes, H, W)` stand for."""


objectives: Registry[Objective] = Registry("objective")

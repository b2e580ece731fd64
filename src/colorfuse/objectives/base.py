"""What every objective does, and the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn import functional

from colorfuse.registry import Registry


class Objective(nn.Module, ABC):
    """A loss between planes and true ab, and the reading of planes as ab.

    Attributes:
        planes: How many planes the network gives.
        activation: What ends the network's decoder.
        stride: How many pixels, across and down, share one of each plane.
    """

    planes: int
    activation: nn.Module
    stride: int = 1

    @abstractmethod
    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """The loss, a scalar, of planes `(N, planes, h, w)` against ab `(N, 2, H, W)` in CIELAB units."""

    @abstractmethod
    def read(self, planes: Tensor) -> Tensor:
        """The ab `(N, 2, h, w)` in CIELAB units that planes `(N, planes, h, w)` stand for."""

    def observe(self, colors: Iterable[Tensor]) -> None:
        """Learn from ab `(N, 2, H, W)` of photos to train on what the loss needs, before training."""


objectives: Registry[Objective] = Registry("objective")
register_objective, list_objectives = objectives.register, objectives.names


def sampled(ab: Tensor, planes: Tensor) -> Tensor:
    """The ab `(N, 2, h, w)` of the pixels that planes `(N, planes, h, w)` stand for: true colours, and no means."""
    size = planes.shape[-2:]
    return ab if ab.shape[-2:] == size else functional.interpolate(ab, size, mode="nearest-exact")

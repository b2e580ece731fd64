"""The base class of objectives, and their registry."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from colorfuse.registry import Registry


class Distribution(NamedTuple):
    """Distributions over colours.

    Attributes:
        bins: ab of the colours `(Q, 2)` in CIELAB units.
        shares: Their probabilities `(N, Q, h, w)`.
    """

    bins: Tensor
    shares: Tensor


class Objective(nn.Module, ABC):
    """A loss between predicted planes and true ab, and the conversion of planes to ab.

    Attributes:
        planes: Number of planes that the network predicts.
        activation: Module that ends the network's decoder.
        stride: Each value of a plane stands for `stride` x `stride` pixels.
    """

    planes: int
    activation: nn.Module
    stride: int = 1

    @abstractmethod
    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """Compute the scalar loss of planes `(N, planes, h, w)` against ab `(N, 2, H, W)` in CIELAB units."""

    @abstractmethod
    def read(self, planes: Tensor) -> Tensor:
        """Convert planes `(N, planes, h, w)` to ab `(N, 2, h, w)` in CIELAB units."""

    def distribution(self, planes: Tensor) -> Distribution:
        """Convert planes `(N, planes, h, w)` to each pixel's distribution over colours.

        Raises:
            ValueError: This objective predicts one colour for each pixel.
        """
        raise ValueError(
            f"{type(self).__name__} predicts one colour for each pixel, and no distribution over others; the "
            "objectives classification and histogram do"
        )

    def observe(self, colors: Iterable[Tensor]) -> None:
        """Before training, collect the statistics that the loss needs from the training photos' ab `(N, 2, H, W)`."""


objectives: Registry[Objective] = Registry("objective")
register_objective = objectives.register


def list_objectives(pattern: str = "*") -> list[str]:
    """The names of all objectives that match a shell-style pattern, sorted.

    They are those of colorfuse, of installed packages, and of `register_objective`.

    Example:
        >>> import colorfuse
        >>> "classification" in colorfuse.list_objectives()
        True
    """
    return objectives.names(pattern)


def subsampled(ab: Tensor, planes: Tensor) -> Tensor:
    """Subsample ab to `(N, 2, h, w)` for planes `(N, planes, h, w)`, without averaging any colours."""
    size = planes.shape[-2:]
    return ab if ab.shape[-2:] == size else functional.interpolate(ab, size, mode="nearest-exact")

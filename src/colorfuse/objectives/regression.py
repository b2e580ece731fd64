"""Objectives that predict ab directly."""

from abc import abstractmethod

from torch import Tensor, nn
from torch.nn import functional

from colorfuse.color.plane import AB_SCALE
from colorfuse.objectives.base import Objective, objectives
from colorfuse.options import Positive


class Regression(Objective):
    """Predicts ab / 127.5 as two planes in -1 to 1; subclasses define the error."""

    def __init__(self) -> None:
        super().__init__()
        self.planes = 2
        self.activation = nn.Tanh()

    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """Compute the loss of planes in -1 to 1 against ab in CIELAB units, both `(N, 2, H, W)`."""
        return self.error(planes.float(), ab / AB_SCALE)

    @abstractmethod
    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """Compute the mean error of ab / 127.5, a scalar."""

    def read(self, planes: Tensor) -> Tensor:
        """Convert planes in -1 to 1 to ab in CIELAB units, both `(N, 2, H, W)`."""
        return planes.float() * AB_SCALE


@objectives.register("mse")
class MeanSquaredError(Regression):
    """Mean squared error of ab / 127.5, the objective of Ioannidis and Patiniotis Spyropoulos.

    Example:
        >>> import torch
        >>> gray = torch.zeros(1, 2, 4, 4)
        >>> MeanSquaredError()(gray, torch.full_like(gray, 12.75)).item()
        0.01...
    """

    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """Compute the mean error of ab / 127.5, a scalar."""
        return functional.mse_loss(predicted, true)


@objectives.register("l1")
class MeanAbsoluteError(Regression):
    """Mean absolute error of ab / 127.5."""

    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """Compute the mean error of ab / 127.5, a scalar."""
        return functional.l1_loss(predicted, true)


@objectives.register("huber")
class HuberError(Regression):
    """Huber loss of ab / 127.5: squared for small errors, linear for large ones (Huber 1964, *Robust estimation*).

    Args:
        delta: Error at which the loss becomes linear, in CIELAB units; 1 as in Zhang et al. 2017, section 3.1.
    """

    def __init__(self, delta: Positive = 1.0) -> None:
        super().__init__()
        self.delta = delta

    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """Compute the mean error of ab / 127.5, a scalar."""
        return functional.huber_loss(predicted, true, delta=self.delta / AB_SCALE)

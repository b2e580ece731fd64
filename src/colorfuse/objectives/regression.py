"""Objectives that predict ab itself."""

from abc import abstractmethod

from torch import Tensor, nn
from torch.nn import functional

from colorfuse.color.plane import AB_SCALE
from colorfuse.objectives.base import Objective, objectives
from colorfuse.options import Positive


class Regression(Objective):
    """Two planes in -1 to 1, which are ab / 127.5, and an error between both."""

    def __init__(self) -> None:
        super().__init__()
        self.planes = 2
        self.activation = nn.Tanh()

    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """The loss of planes in -1 to 1 against ab in CIELAB units, both `(N, 2, H, W)`."""
        return self.error(planes.float(), ab / AB_SCALE)

    @abstractmethod
    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """The mean error, a scalar, of ab / 127.5."""

    def read(self, planes: Tensor) -> Tensor:
        """The ab in CIELAB units of planes in -1 to 1, both `(N, 2, H, W)`."""
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
        """The mean error, a scalar, of ab / 127.5."""
        return functional.mse_loss(predicted, true)


@objectives.register("l1")
class MeanAbsoluteError(Regression):
    """Mean absolute error of ab / 127.5."""

    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """The mean error, a scalar, of ab / 127.5."""
        return functional.l1_loss(predicted, true)


@objectives.register("huber")
class HuberError(Regression):
    """Squared where it is small and absolute beyond, of ab / 127.5 (Huber 1964, *Robust estimation*).

    Args:
        delta: Where it changes, in CIELAB units; 1 as in Zhang et al. 2017, section 3.1.
    """

    def __init__(self, delta: Positive = 1.0) -> None:
        super().__init__()
        self.delta = delta

    def error(self, predicted: Tensor, true: Tensor) -> Tensor:
        """The mean error, a scalar, of ab / 127.5."""
        return functional.huber_loss(predicted, true, delta=self.delta / AB_SCALE)

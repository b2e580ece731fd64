"""Objectives that predict ab itself."""

from torch import Tensor, nn
from torch.nn import functional

from colorfuse.objectives.contract import Objective, objectives

AB_SCALE = 127.5
"""ab divided by this fills the range of Tanh; the unit in which losses are quoted."""


@objectives.register("mse")
class MeanSquaredError(Objective):
    """Mean squared error of ab / 127.5, the objective of Ioannidis and Patiniotis Spyropoulos.

    Example:
        >>> import torch
        >>> gray = torch.zeros(1, 2, 4, 4)
        >>> MeanSquaredError()(gray, torch.full_like(gray, 12.75)).item()
        0.01...
    """

    def __init__(self) -> None:
        super().__init__()
        self.planes = 2
        self.activation = nn.Tanh()

    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """Mean squared error of planes in -1 to 1 against ab in CIELAB units, both `(N, 2, H, W)`."""
        return functional.mse_loss(planes, ab / AB_SCALE)

    def read(self, planes: Tensor) -> Tensor:
        """The ab in CIELAB units of planes in -1 to 1, both `(N, 2, H, W)`."""
        return planes * AB_SCALE

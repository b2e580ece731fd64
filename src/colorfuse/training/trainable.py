"""What a colorizer must offer to be trained."""

from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective
from colorfuse.training.history import History


class Trainable(Protocol):
    """An estimator over a `FusionNetwork`.

    Attributes:
        network_: What is trained.
        objective_: The loss, and the reading of planes as ab.
        history_: The figures of each epoch.
    """

    network_: FusionNetwork
    objective_: Objective
    history_: History

    def get_params(self) -> dict[str, Any]:
        """The settings, by name."""

    def initialize(self, *, warm_start: bool = False, pretrained: bool | None = None) -> object:
        """Build `network_` and `objective_`, or keep the weights that are there."""

    def predict_ab(self, lightness: Tensor) -> Tensor:
        """The ab `(N, 2, H, W)` of L `(N, 1, H, W)`."""

    def save(self, folder: str | Path) -> None:
        """Write the colorizer to a folder."""

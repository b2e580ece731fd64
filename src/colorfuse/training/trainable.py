"""The interface of a colorizer that can be trained."""

from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective
from colorfuse.training.history import History


class Trainable(Protocol):
    """An estimator around a `FusionNetwork`.

    Attributes:
        network_: The network to train.
        objective_: The loss, and the conversion of output planes to ab.
        history_: The metrics of each epoch.
    """

    network_: FusionNetwork
    objective_: Objective
    history_: History

    def get_params(self) -> dict[str, Any]:
        """The settings, by name."""

    def initialize(self, *, warm_start: bool = False, pretrained: bool | None = None) -> object:
        """Build `network_` and `objective_`; a warm start keeps existing weights."""

    def predict_ab(self, lightness: Tensor) -> Tensor:
        """Predict ab `(N, 2, H, W)` from L `(N, 1, H, W)`."""

    def save(self, folder: str | Path) -> None:
        """Write the colorizer to a folder."""

"""The settings of a training, and the optimizer and schedule that they name."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from colorfuse.registry import unknown_name

OPTIMIZERS: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
SCHEDULES = ("constant", "one_cycle")


@dataclass(frozen=True)
class Settings:
    """How long, how fast and from which seed to train.

    Attributes:
        epochs: How often each photo is seen.
        batch_size: Photos a step.
        optimizer: "adam" or "adamw".
        learning_rate: The rate of the constant schedule, the peak of the others.
        weight_decay: The optimizer's.
        schedule: "constant", or "one_cycle": up over the first 10 % of the steps, then down to zero along a cosine
            (Smith and Topin 2017, *Super-convergence*).
        seed: Decides the initial weights, the order of the photos, and all that is drawn in training.

    Raises:
        ValueError: A number is out of range, or a name is unknown.
    """

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    seed: int

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate must be above 0, not {self.learning_rate}")
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        if self.schedule not in SCHEDULES:
            raise unknown_name("schedule", self.schedule, SCHEDULES)


def create_optimizer(network: nn.Module, settings: Settings, steps: int) -> tuple[torch.optim.Adam, LRScheduler]:
    """The optimizer over all weights of `network`, and its schedule over `steps` steps."""
    optimizer = OPTIMIZERS[settings.optimizer](
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    if settings.schedule == "constant":
        return optimizer, ConstantLR(optimizer, factor=1.0)
    return optimizer, OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )

"""The settings of a training, and the optimizer and schedule that they name."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from colorfuse.registry import unknown_name

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adadelta": torch.optim.Adadelta,
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "sgd": partial(torch.optim.SGD, momentum=0.9, fused=True),
}
SCHEDULES = ("constant", "one_cycle")


@dataclass(frozen=True)
class Settings:
    """How long, how fast and from which seed to train.

    Attributes:
        epochs: How often the photos are gone through.
        batch_size: Photos a step.
        optimizer: "adam", "adamw", "adadelta", or "sgd" with a momentum of 0.9.
        learning_rate: The rate of the constant schedule, the peak of the others.
        weight_decay: The optimizer's.
        schedule: "constant", or "one_cycle": up over the first 10 % of the steps, then down to zero, both along
            half a cosine (Smith and Topin 2017, *Super-convergence*).
        seed: Decides the initial weights, the order of the photos, and all that is drawn in training.

    Raises:
        ValueError: A setting is out of range or of the wrong type, or a name is unknown.
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
            check_whole(name, getattr(self, name), at_least=1)
        check_whole("seed", self.seed, at_least=0)
        if not _is_number(self.learning_rate) or not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be a number above 0, not {self.learning_rate!r}")
        if not _is_number(self.weight_decay) or not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be a number from 0 on, not {self.weight_decay!r}")
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        if self.schedule not in SCHEDULES:
            raise unknown_name("schedule", self.schedule, SCHEDULES)


def create_optimizer(learner: nn.Module, settings: Settings, steps: int) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """The optimizer over all weights of `learner` that learn, and its schedule over `steps` steps."""
    optimizer = OPTIMIZERS[settings.optimizer](
        [weights for weights in learner.parameters() if weights.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    factor = partial(_one_cycle, steps=steps) if settings.schedule == "one_cycle" else lambda step: 1.0
    return optimizer, LambdaLR(optimizer, factor)


def _one_cycle(step: int, steps: int) -> float:
    """The share of the peak rate at a step: from 1/25 up over the first tenth of the steps, then down to zero."""
    peak = max(1.0, 0.1 * steps - 1)
    if step <= peak:
        return 0.04 + 0.96 * _rise(step / peak)
    return 1 - _rise((step - peak) / max(1.0, steps - 1 - peak))


def _rise(share: float) -> float:
    """From 0 to 1 along half a cosine."""
    return 0.5 - 0.5 * math.cos(math.pi * min(share, 1.0))


def check_whole(name: str, value: object, *, at_least: int) -> None:
    """Check a setting that is a whole number.

    Raises:
        ValueError: It is not one, or too small.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}, not {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

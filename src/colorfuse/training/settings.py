"""The settings of a training run, such as epochs, learning rates, image sizes and seed."""

import dataclasses
import typing
from typing import Any

from colorfuse.data.old_film import OldFilm
from colorfuse.hints.simulated import SimulatedHints
from colorfuse.options import (
    Count,
    Fraction,
    NonNegativeInt,
    NotNegative,
    Positive,
    Side,
    check_options,
    check_value,
)
from colorfuse.registry import unknown_name
from colorfuse.training.optimizers import OPTIMIZERS
from colorfuse.training.schedules import SCHEDULES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a colorizer that control its training; the colorizer documents each of them.

    Raises:
        ValueError: A setting is out of range or of the wrong type, or a name is unknown.
    """

    image_size: Side
    start_size: Side | None
    epochs: Count
    batch_size: Count
    optimizer: str
    learning_rate: Positive
    backbone_rate: NotNegative
    frozen_epochs: NonNegativeInt
    weight_decay: NotNegative
    schedule: str
    warmup_steps: NonNegativeInt | None
    clip_norm: Positive | None
    ema_decay: Fraction | None
    patience: Count | None
    simulated_hints: dict[str, Any] | None
    old_film: dict[str, Any] | None
    seed: NonNegativeInt

    def __post_init__(self) -> None:
        for name, kind in self.kinds().items():
            check_value(getattr(self, name), kind, name, "a colorizer")
        check_options("simulated_hints", SimulatedHints, self.simulated_hints or {}, where="simulated_hints.")
        check_options("old_film", OldFilm, self.old_film or {}, where="old_film.")
        self.hint_simulation()  # which also checks values that do not go together
        if self.start_size is not None and self.start_size > self.image_size:
            raise ValueError(f"start_size={self.start_size} must be at most image_size={self.image_size}")
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        if self.schedule not in SCHEDULES:
            raise unknown_name("schedule", self.schedule, SCHEDULES)

    @classmethod
    def kinds(cls) -> dict[str, Any]:
        """The types of the settings by name, with the ranges of their values."""
        return typing.get_type_hints(cls, include_extras=True)

    def hint_simulation(self) -> SimulatedHints | None:
        """How hints are drawn, if they are."""
        return None if self.simulated_hints is None else SimulatedHints(**self.simulated_hints)

    def film(self) -> OldFilm | None:
        """How photos are made like those of old film, if they are."""
        return None if self.old_film is None else OldFilm(**self.old_film)

    def side(self, epoch: int) -> int:
        """The side of an epoch's photos in pixels; with `start_size`, it grows over the first half of training."""
        if self.start_size is None:
            return self.image_size
        grown = min(1.0, (epoch - 1) / max(1, self.epochs // 2))
        side = self.start_size + grown * (self.image_size - self.start_size)
        return self.image_size if grown == 1 else min(self.image_size, 32 * round(side / 32))

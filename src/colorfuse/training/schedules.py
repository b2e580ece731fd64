"""Learning-rate schedules."""

import math
from collections.abc import Callable

SCHEDULES: dict[str, tuple[float, Callable[[float], float]]] = {
    "constant": (0.0, lambda share: 1.0),
    "cosine": (0.0, lambda share: 1 - _rise(share)),
    "one_cycle": (0.1, lambda share: 1 - _rise(share)),
}
"""For each name, the share of all steps that are warm-up, and the factor of the peak rate after it.

The factor is a function of the share of the remaining steps that is done.
"""


def rate_factor(schedule: str, step: int, steps: int, warmup_steps: int | None = None) -> float:
    """The learning rate at a step, as a factor of the peak rate.

    Warm-up rises from 1/25 along half a cosine. Afterwards the rate stays constant, or falls to zero along another
    half cosine (Smith and Topin 2017, *Super-convergence*; Loshchilov and Hutter 2017, *SGDR*).

    Args:
        schedule: A name from `SCHEDULES`.
        step: The number of the step, counted from 0.
        steps: The number of steps in the whole training.
        warmup_steps: The number of warm-up steps; None for that of the schedule.

    Example:
        >>> [round(rate_factor("cosine", step, 5), 2) for step in range(5)]
        [1.0, 0.85, 0.5, 0.15, 0.0]
    """
    share, afterwards = SCHEDULES[schedule]
    peak = max(1.0, share * steps - 1) if share and warmup_steps is None else warmup_steps or 0
    if step < peak:
        return 0.04 + 0.96 * _rise(step / peak)
    return afterwards((step - peak) / max(1.0, steps - 1 - peak))


def _rise(share: float) -> float:
    """Rise from 0 to 1 along half a cosine."""
    return 0.5 - 0.5 * math.cos(math.pi * min(share, 1.0))

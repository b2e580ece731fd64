"""How the learning rate goes over the steps of a training."""

import math
from collections.abc import Callable

SCHEDULES: dict[str, tuple[float, Callable[[float], float]]] = {
    "constant": (0.0, lambda share: 1.0),
    "cosine": (0.0, lambda share: 1 - _rise(share)),
    "one_cycle": (0.1, lambda share: 1 - _rise(share)),
}
"""By name, the share of the steps over which the rate rises, and what it is afterwards, of its peak."""


def rate_factor(schedule: str, step: int, steps: int, warmup_steps: int | None = None) -> float:
    """The share of the peak rate at a step.

    From 1/25 it rises along half a cosine, and then stays or falls to zero along another (Smith and Topin 2017,
    *Super-convergence*; Loshchilov and Hutter 2017, *SGDR*).

    Args:
        schedule: A name from `SCHEDULES`.
        step: From 0 on.
        steps: Of the whole training.
        warmup_steps: Over which the rate rises; what the schedule says, if none are given.

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
    """From 0 to 1 along half a cosine."""
    return 0.5 - 0.5 * math.cos(math.pi * min(share, 1.0))

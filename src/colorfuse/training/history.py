"""The figures of each epoch, and what they say of how a training goes."""

import math
from typing import TypeAlias

History: TypeAlias = list[dict[str, float]]
"""One dict an epoch; errors are means of (ab / 127.5)^2 whatever the objective, so that runs can be compared."""

_BY_EPOCH = 5
"""When a training should be better than one colour, and how long its validation may stay where it is."""


def best_epoch(history: History) -> int | None:
    """The number of the epoch with the lowest validation loss; None without validation."""
    judged = [row for row in history if not math.isnan(row.get("validation_loss", math.nan))]
    return int(min(judged, key=lambda row: row["validation_loss"])["epoch"]) if judged else None


def has_stalled(history: History, patience: int | None) -> bool:
    """Whether the validation loss has not fallen for so many epochs."""
    best = best_epoch(history)
    return patience is not None and best is not None and len(history) - best >= patience


def advice(history: History, brown: bool) -> str | None:
    """What is to be said of a training after its last epoch: that it learns brown, or its photos by heart.

    Args:
        history: The epochs so far.
        brown: Whether what is learnt would be one brown if it were no better than one colour, as of squared errors.
    """
    best, epoch, last = best_epoch(history), len(history), history[-1]
    if best is None or "validation_loss" not in last:
        return None
    judged = [row for row in history if "validation_error" in row]
    is_brown = all(row["validation_error"] >= row["validation_constant_error"] for row in judged)
    if brown and is_brown and epoch == _BY_EPOCH:
        return (
            f"after {epoch} epochs the validation error, {last['validation_error']:.5f}, is not below that of one "
            f"constant colour, {last['validation_constant_error']:.5f}: what is learnt is at best brown; try a "
            "pretrained backbone, more photos, or another learning_rate"
        )
    since = history[best - 1]
    if epoch - best == _BY_EPOCH and last["train_loss"] < since["train_loss"]:
        return (
            f"since epoch {best} the training loss has fallen from {since['train_loss']:.5f} to "
            f"{last['train_loss']:.5f}, and the validation loss has not from {since['validation_loss']:.5f}: the "
            'photos are learnt by heart; try more of them, augmentation="crop_flip", or patience'
        )
    return None

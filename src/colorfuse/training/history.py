"""The metrics of each epoch: the best one, early stopping, and advice."""

import math
from typing import TypeAlias

History: TypeAlias = list[dict[str, float]]
"""One dict per epoch; errors are means of (ab / 127.5)^2 for every objective, so that runs can be compared."""

_BY_EPOCH = 5
"""Warn when this many epochs bring no gain over a constant colour, or no lower validation loss."""


def best_epoch(history: History) -> int | None:
    """The number of the epoch with the lowest validation loss; None without validation."""
    judged = [row for row in history if not math.isnan(row.get("validation_loss", math.nan))]
    return int(min(judged, key=lambda row: row["validation_loss"])["epoch"]) if judged else None


def has_stalled(history: History, patience: int | None) -> bool:
    """Whether the validation loss has not improved for `patience` epochs."""
    best = best_epoch(history)
    return patience is not None and best is not None and len(history) - best >= patience


def advice(history: History, brown: bool) -> str | None:
    """A warning after the latest epoch if training learns nothing but brown or overfits; None otherwise.

    Args:
        history: The epochs so far.
        brown: Whether an error no better than that of a constant colour means brown output, as with squared error.
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

"""Validation loss and errors of a network."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from colorfuse.backbones.maps import resize_to
from colorfuse.color.plane import AB_SCALE
from colorfuse.color.precision import full_precision
from colorfuse.objectives import Objective
from colorfuse.sample import Batch

_NAMES = ("loss", "error", "gray_error", "constant_error")


@torch.no_grad()
def validate(
    network: nn.Module,
    objective: Objective,
    batches: Iterable[Batch],
    mean_color: Tensor,
    add: Callable[[Tensor], Tensor],
) -> dict[str, float]:
    """Compute the loss and the error, and the errors of gray and of one constant colour.

    Args:
        network: Maps lightness to output planes; in evaluation mode.
        objective: Gives the loss, and converts output planes to ab.
        batches: This process's batches of validation photos.
        mean_color: The constant ab `(2,)`, such as the mean of the training photos.
        add: Sums a tensor over all processes.
    """
    sums = torch.zeros(len(_NAMES) + 1, dtype=torch.float64)
    for batch in batches:
        ab = batch.ab
        planes = network(batch.lightness, objective.stride).float()
        with full_precision(ab.device.type):
            loss, read = objective(planes, ab), resize_to(objective.read(planes), ab)
        guesses = read, torch.zeros_like(ab), mean_color.to(ab).reshape(1, 2, 1, 1)
        means = torch.stack([loss, *(((guess - ab) / AB_SCALE).square().mean() for guess in guesses)])
        sums += torch.cat([means * len(ab), means.new_full((1,), len(ab))]).cpu()
    *totals, count = add(sums).tolist()
    return {f"validation_{name}": total / count for name, total in zip(_NAMES, totals, strict=True)}

"""The optimizers of a training."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adadelta": torch.optim.Adadelta,
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "sgd": partial(torch.optim.SGD, momentum=0.9, fused=True),
}


def create_optimizer(
    name: str, learner: nn.Module, backbone: nn.Module, backbone_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """An optimizer over all weights of `learner` that learn.

    Args:
        name: From `OPTIMIZERS`.
        learner: What is trained.
        backbone: A part of it that learns at another rate.
        backbone_rate: That rate, as a factor of the others'.
        weight_decay: The optimizer's.
    """
    slow = {id(weights) for weights in backbone.parameters()}
    learning = [weights for weights in learner.parameters() if weights.requires_grad]
    groups = [
        {"params": [weights for weights in learning if (id(weights) in slow) == is_slow], "rate": rate}
        for is_slow, rate in ((False, 1.0), (True, backbone_rate))
    ]
    return OPTIMIZERS[name]([group for group in groups if group["params"]], weight_decay=weight_decay)


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let each group of weights learn at its own factor of this rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["rate"]

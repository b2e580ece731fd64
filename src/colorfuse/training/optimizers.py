"""Optimizers for training."""

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
    """Create an optimizer over all trainable weights of `learner`.

    Args:
        name: A name from `OPTIMIZERS`.
        learner: The module to train.
        backbone: The part of it that has its own learning rate.
        backbone_rate: The backbone's learning rate, as a factor of that of the other weights.
        weight_decay: The weight decay of all weights.
    """
    slow = {id(weights) for weights in backbone.parameters()}
    learning = [weights for weights in learner.parameters() if weights.requires_grad]
    groups = [
        {"params": [weights for weights in learning if (id(weights) in slow) == is_slow], "rate": rate}
        for is_slow, rate in ((False, 1.0), (True, backbone_rate))
    ]
    return OPTIMIZERS[name]([group for group in groups if group["params"]], weight_decay=weight_decay)


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of each parameter group to its own factor of `learning_rate`."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["rate"]

"""Exponential moving average of the weights in training."""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from colorfuse.sample import Batch


class Average:
    """Keeps the exponential moving average of a network's weights in training.

    Polyak and Juditsky 1992, *Acceleration of stochastic approximation by averaging*. The decay grows with the steps,
    so that the random initial weights are soon forgotten.

    Args:
        network: Holds the averaged weights; from now on, its copy `learning` is the one to train.
        decay: The decay of the average that is reached after many steps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        from timm.utils.model_ema import ModelEmaV3

        self.network = network
        self._average = ModelEmaV3(network, decay=decay, use_warmup=True, warmup_power=3 / 4)
        self.learning, self._average.module = self._average.module, network

    def update(self, step: int) -> None:
        """Update the average with the weights after a step, counted from 1."""
        self._average.update(self.learning, step)

    @torch.no_grad()
    def estimate_statistics(self, batches: Iterable[Batch], stride: int, reduce: Callable[[Tensor], Tensor]) -> None:
        """Recompute the running statistics of batch norms for the averaged weights.

        Statistics from other weights do not fit the averaged ones: Izmailov et al. 2018, *Averaging weights leads to
        wider optima*, section 3.2. Batch norms of parts that are not in training mode, such as a frozen backbone,
        keep theirs.

        Args:
            batches: Training photos, with their hints.
            stride: The stride of the network's output planes in pixels.
            reduce: Averages a tensor over all processes.
        """
        norms = [
            mine
            for mine, its in zip(self.network.modules(), self.learning.modules(), strict=True)
            if isinstance(mine, _BatchNorm) and its.training and mine.track_running_stats
        ]
        momenta, before = [norm.momentum for norm in norms], copy.deepcopy([norm.state_dict() for norm in norms])
        for norm in norms:
            norm.reset_running_stats()
            norm.train().momentum = None  # None takes the mean over all batches
        try:
            for batch in batches if norms else ():
                self.network(batch.lightness, stride, batch.hints, batch.global_hints)
        except BaseException:  # also Ctrl-C, after which the network must still predict
            for norm, state in zip(norms, before, strict=True):
                norm.load_state_dict(state)
            raise
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.eval().momentum = momentum
        for norm in norms:
            for statistic in (norm.running_mean, norm.running_var):
                if statistic is not None:
                    statistic.copy_(reduce(statistic))

"""Sampling of batches."""

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Sampler

from colorfuse.errors import DataError


class Shard(NamedTuple):
    """The part of each batch that the process of this rank reads."""

    rank: int = 0
    world_size: int = 1


Place: TypeAlias = tuple[tuple[int, ...], int]
"""The numbers of the epoch and, if indices may come twice in it, of the batch; and the index of a sample."""


class EpochBatches(Sampler[list[Place]]):
    """Batch sampler that yields a `Place` for each sample, in an order that depends only on seed and epoch.

    Args:
        count: Number of samples in the dataset, and per epoch.
        batch_size: Samples per batch.
        whole: Whether to drop an incomplete last batch.
        seed: Determines the order; None keeps that of the dataset.
        weights: Weights for sampling with replacement; None to draw each sample once.
        shard: The part of each batch to yield.
    """

    def __init__(
        self, count: int, batch_size: int, whole: bool, seed: int | None, weights: Tensor | None, shard: Shard
    ) -> None:
        if seed is not None and weights is not None and not weights.sum() > 0:
            raise DataError(f"the weights of all {count} samples are 0; there is nothing to draw")
        if seed is not None and min(batch_size, count) < shard.world_size:
            raise DataError(
                f"batch_size={batch_size}, of {count} samples, cannot be shared by {shard.world_size} processes; "
                "make it larger"
            )
        self.count = count
        self.batch_size = batch_size
        self.seed = seed
        self.weights = weights
        self.shard = shard
        self.length = count // batch_size if whole else math.ceil(count / batch_size)
        self.choose(0)

    def choose(self, epoch: int, start: int = 0, stop: int | None = None) -> None:
        """Choose the epoch, and the range of its batches, that the next iteration yields."""
        self.epoch = epoch
        self.chosen = range(self.length)[start:stop]

    def batch(self, epoch: int, number: int) -> list[int]:
        """Get the sample indices of a batch, over all shards."""
        return self._batch(self._order(epoch), number)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[list[Place]]:
        order, epoch = self._order(self.epoch), self.epoch
        for number in self.chosen:
            mine = self._batch(order, number)[self.shard.rank :: self.shard.world_size]
            if mine:
                when = (epoch,) if self.weights is None else (epoch, number)
                yield [(when, index) for index in mine]

    def _batch(self, order: list[int], number: int) -> list[int]:
        return order[number * self.batch_size : (number + 1) * self.batch_size]

    def _order(self, epoch: int) -> list[int]:
        if self.seed is None:
            return list(range(self.count))
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, epoch))
        if self.weights is None:
            return torch.randperm(self.count, generator=generator).tolist()
        return torch.multinomial(self.weights, self.count, replacement=True, generator=generator).tolist()


def mixed_seed(*numbers: int) -> int:
    """Combine several numbers into one seed."""
    seed = 0
    for number in numbers:
        seed = (seed * 1_000_003 + number + 1) % 2**63
    return seed

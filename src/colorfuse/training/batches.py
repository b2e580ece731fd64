"""Batches of a dataset, read by worker processes."""

import multiprocessing
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from colorfuse.data.photos import Sample
from colorfuse.errors import PhotoError


def create_loader(data: Dataset[Sample], batch_size: int, workers: int, *, training: bool) -> DataLoader[Sample]:
    """Batches of `data`: shuffled by torch's random state for training, in order otherwise."""
    # A last batch of one or two photos would spoil the batch norms' statistics.
    whole = training and len(data) >= batch_size  # type: ignore[arg-type]
    return DataLoader(
        _WithErrors(data),
        batch_size,
        shuffle=training,
        drop_last=whole,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=torch.cuda.is_available(),
    )


def default_workers() -> int:
    """How many processes read photos: half of the cores, at most 8, where processes are forked; none elsewhere."""
    # Elsewhere than under fork, a script without a guard around its main part would be started again by each worker.
    if multiprocessing.get_all_start_methods()[0] != "fork":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores // 2)


# A `PhotoError` travels from a worker as a value: raised there, it would arrive as the text of a traceback.


class _WithErrors(Dataset[Any]):
    def __init__(self, data: Dataset[Any]) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        try:
            return self.data[index]
        except PhotoError as error:
            return error


def _collate(samples: list[Any]) -> Any:
    errors = [sample for sample in samples if isinstance(sample, PhotoError)]
    return errors[0] if errors else default_collate(samples)


def batches(loader: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a loader.

    Raises:
        PhotoError: A photo of a batch cannot be read.
    """
    for batch in loader:
        if isinstance(batch, PhotoError):
            raise batch
        yield batch

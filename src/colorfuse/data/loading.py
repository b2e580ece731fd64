"""Batches of a dataset, read by worker processes."""

import contextlib
import multiprocessing
import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, Subset, default_collate

from colorfuse.data.in_bytes import BytesDataset
from colorfuse.data.lab_arrays import LabArrays
from colorfuse.data.transforms import Transformed, fetch
from colorfuse.errors import DataError, PhotoError
from colorfuse.sample import Batch


def create_loader(
    data: Dataset[Any], batch_size: int, workers: int | None = None, *, seed: int | None = None
) -> DataLoader[Any]:
    """Batches of `data`.

    Args:
        data: A dataset of (L, ab); an iterable one keeps its own order, and has a length.
        batch_size: Samples a batch.
        workers: Processes that read samples; `default_workers` if None.
        seed: Shuffles the samples, anew after each `set_epoch` of the sampler. What transforms draw is decided by
            seed, epoch and batch as well, whatever the number of workers. None keeps the dataset's order.

    Raises:
        DataError: The dataset is empty, or an iterable one without a length.
    """
    count = _length(data)
    workers = default_workers(data) if workers is None else workers
    common: dict[str, Any] = {
        "batch_size": batch_size,
        "num_workers": workers,
        "pin_memory": torch.cuda.is_available(),
        "persistent_workers": workers > 0,
        "generator": torch.Generator(),  # so that starting workers draws nothing from the network's
    }
    # A last batch of one or two photos would spoil the batch norms' statistics.
    whole = seed is not None and count >= batch_size
    if isinstance(data, IterableDataset):
        return DataLoader(data, drop_last=whole, **common)
    sampler = EpochSampler(count, seed, sample_weights(data))
    return DataLoader(_Fetched(data, seed or 0), sampler=sampler, drop_last=whole, collate_fn=_collate, **common)


def default_workers(data: Dataset[Any]) -> int:
    """How many processes read samples: half of the cores, at most 8, and none where they would do no good."""
    # Elsewhere than under fork, a script without a guard around its main part would be started again by each worker.
    chosen = multiprocessing.get_start_method(allow_none=True)
    if (chosen or multiprocessing.get_all_start_methods()[0]) != "fork":
        return 0
    if isinstance(data, IterableDataset):  # which each of them would go through from its start
        return 0
    whole, _ = _whole(data)
    if isinstance(whole, LabArrays) and not whole.transform and not torch.cuda.is_available():
        return 0  # since to hand rows over takes longer than to read them
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores // 2)


def batches(loader: Any) -> Iterator[Batch]:
    """The batches of a loader.

    Raises:
        PhotoError: A photo of a batch cannot be read.
        OSError: A file cannot be read.
    """
    for batch in loader:
        if isinstance(batch, Exception):
            raise batch
        yield loader.dataset.decode(batch) if isinstance(loader.dataset, _Fetched) else Batch(*batch[:3])


def sample_weights(data: Dataset[Any]) -> Tensor | None:
    """How often each sample is to be drawn, if the dataset says so."""
    return _of_each(data, "sample_weights", torch.float64)


def count_classes(data: Dataset[Any]) -> int | None:
    """How many classes the labels of the samples are of, if the dataset has labels."""
    labels = _of_each(data, "labels", torch.long)
    return None if labels is None else int(labels.max()) + 1


def _of_each(data: Dataset[Any], name: str, dtype: torch.dtype) -> Tensor | None:
    """An attribute of the dataset that has an entry a sample, for the samples that are left of it."""
    if isinstance(data, Transformed):
        return _of_each(data.data, name, dtype)
    if isinstance(data, Subset):
        values = _of_each(data.dataset, name, dtype)
        return None if values is None else values[torch.tensor(data.indices, dtype=torch.long)]
    values = getattr(data, name, None)
    return None if values is None else torch.as_tensor(values, dtype=dtype)


class EpochSampler(Sampler[tuple[int, int]]):
    """The epoch and the index of each sample of an epoch, in an order that depends on seed and epoch alone.

    Args:
        count: Samples of the dataset, and of an epoch.
        seed: Decides the order; None keeps that of the dataset.
        weights: How often samples are drawn, with replacement; None for each of them once.
    """

    def __init__(self, count: int, seed: int | None, weights: Tensor | None = None) -> None:
        if weights is not None and not weights.sum() > 0:
            raise DataError(f"the weights of all {count} samples are 0; there is nothing to draw")
        self.count = count
        self.seed = seed
        self.weights = weights
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is gone through next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((self.epoch, index) for index in self._order())

    def _order(self) -> list[int]:
        if self.seed is None:
            return list(range(self.count))
        generator = torch.Generator().manual_seed(_mixed(self.seed, self.epoch))
        if self.weights is None:
            return torch.randperm(self.count, generator=generator).tolist()
        return torch.multinomial(self.weights, self.count, replacement=True, generator=generator).tolist()


class _Fetched(Dataset[Any]):
    """A dataset that is asked for pairs of epoch and index, and seeds what its transforms draw.

    An error travels from a worker as a value: raised there, it would arrive as the text of a traceback.
    """

    def __init__(self, data: Dataset[Any], seed: int) -> None:
        self.data = data
        self.seed = seed
        self.whole, self.positions = _whole(data)

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitems__(self, places: Sequence[tuple[int, int]]) -> list[Any]:
        with _seeded(_mixed(self.seed, *places[0])):
            try:
                return self._fetch([index for _, index in places])
            except (PhotoError, DataError, OSError) as error:
                return [error]

    def _fetch(self, indices: Sequence[int]) -> list[Any]:
        if self.whole is None:
            return fetch(self.data, indices)
        rows = self.positions[torch.tensor(indices)].tolist()
        images = list(self.whole.read(rows))
        labels = self.whole.labels
        return images if labels is None else [(image, labels[row]) for image, row in zip(images, rows, strict=True)]

    def decode(self, batch: Any) -> Batch:
        """L and ab of a batch, and what else it holds."""
        if self.whole is None:
            return Batch(*batch[:3])
        images, *labels = [batch] if self.whole.labels is None else batch
        return Batch(*self.whole.decode(images), *labels)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what transforms draw from, torch, NumPy and Python, and leave their states as they were."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002, since transforms of others draw from it
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002


def _whole(data: Dataset[Any]) -> tuple[BytesDataset | None, Tensor]:
    """The dataset of bytes that `data` is, or is a subset of, and the positions there; None if it is no such one."""
    if isinstance(data, Subset):
        whole, positions = _whole(data.dataset)
        return whole, positions[torch.tensor(data.indices, dtype=torch.long)]
    return data if isinstance(data, BytesDataset) else None, torch.arange(len(data))  # type: ignore[arg-type]


def _collate(samples: list[Any]) -> Any:
    return samples[0] if isinstance(samples[0], Exception) else default_collate(samples)


def _mixed(*numbers: int) -> int:
    """One seed of several numbers."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % 2**63
    return mixed


def _length(data: Dataset[Any]) -> int:
    try:
        count = len(data)  # type: ignore[arg-type]
    except TypeError as error:
        raise DataError(
            f"{type(data).__name__} has no length, which the schedule of a training needs; give it a __len__"
        ) from error
    if not count:
        raise DataError(f"{type(data).__name__} is empty; there is nothing to learn from")
    return count

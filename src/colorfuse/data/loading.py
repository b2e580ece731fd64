"""Data loading with worker processes."""

import itertools
import multiprocessing
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from colorfuse.data.attributes import sample_weights
from colorfuse.data.bytes_dataset import find_bytes_dataset
from colorfuse.data.lab_arrays import LabArrays
from colorfuse.data.sampling import EpochBatches, Shard, mixed_seed
from colorfuse.data.seeding import SeededDataset, collate, seeded
from colorfuse.data.transforms import Transformed, TransformedStream
from colorfuse.errors import DataError
from colorfuse.sample import Batch


class Loader:
    """Loads batches of a dataset, one epoch at a time.

    Args:
        data: A dataset of (L, ab). An iterable dataset keeps its own order and must have a length.
        batch_size: Samples per batch, over all processes that share it.
        workers: Worker processes that read samples; None for `default_workers`.
        seed: Shuffles the samples anew in each epoch; None keeps the order of the dataset. The random draws of
            transforms depend only on seed, epoch and batch, not on the number of workers.
        shard: The part of each batch to read: every `world_size`-th sample from `rank` on.
        device: The device that batches are moved to.

    Attributes:
        count: Number of samples in the dataset.
        batch_size: Samples in a full batch; less than requested if the dataset is smaller.
        workers: Number of worker processes.

    Raises:
        DataError: The dataset is empty or has no length, or is iterable and the batches are sharded.
    """

    def __init__(
        self,
        data: Dataset[Any],
        batch_size: int,
        workers: int | None = None,
        *,
        seed: int | None = None,
        shard: Shard = Shard(),  # noqa: B008, a tuple is immutable
        device: torch.device | str = "cpu",
    ) -> None:
        count = _length(data)
        self.count = count
        self.batch_size = min(batch_size, count)
        self.device = torch.device(device)
        self.seed = seed or 0
        self._generator = torch.Generator()  # its own, so that starting workers does not advance the global one
        self.workers = default_workers(data) if workers is None else workers
        # Drop the last batch if it is incomplete: one or two photos would spoil batch-norm statistics.
        whole = seed is not None and count >= batch_size
        common: dict[str, Any] = {
            "num_workers": self.workers,
            "pin_memory": self.device.type == "cuda",
            "generator": self._generator,
        }
        self._indices: EpochBatches | None = None
        self._batches: DataLoader[Any]
        if isinstance(data, IterableDataset):
            if shard.world_size > 1:
                raise DataError(
                    f"{_kind(data)} is a stream, which {shard.world_size} processes cannot share; train in one, "
                    "or write its photos to a folder"
                )
            # No persistent workers, since they would not learn of the new epoch.
            self._batches = DataLoader(data, batch_size, drop_last=whole, **common)
        else:
            self._indices = EpochBatches(count, batch_size, whole, seed, sample_weights(data), shard)
            self._batches = DataLoader(
                SeededDataset(data, self.seed),
                batch_sampler=self._indices,
                collate_fn=collate,
                persistent_workers=self.workers > 0,
                **common,
            )

    def __len__(self) -> int:
        """Number of batches per epoch."""
        return len(self._batches if self._indices is None else self._indices)

    def epoch(self, number: int = 0, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """Yield the batches of an epoch, from index `start` up to but not including `stop`.

        Raises:
            PhotoError: A photo of a batch cannot be read.
            OSError: A file cannot be read.
        """
        if self._indices is None:
            batches: Iterator[Any] = itertools.islice(self._stream(number), start, stop)
        else:
            self._indices.choose(number, start, stop)
            batches = iter(self._batches)
        for batch in batches:
            yield self._ready(batch)

    def samples(self, epoch: int, batch: int) -> list[int]:
        """Get the places of a batch's samples, over all processes, in the dataset that `data` may be a subset of.

        An empty list for an iterable dataset.
        """
        dataset = self._batches.dataset
        if self._indices is None or not isinstance(dataset, SeededDataset):
            return []
        places: list[int] = dataset.positions[torch.tensor(self._indices.batch(epoch, batch))].tolist()
        return places

    def _stream(self, epoch: int) -> Iterator[Any]:
        """Yield the batches of an iterable dataset, with random draws that depend on seed, epoch and batch."""
        if hasattr(self._batches.dataset, "set_epoch"):
            self._batches.dataset.set_epoch(epoch)
        self._generator.manual_seed(mixed_seed(self.seed, epoch))  # the workers' seeds derive from it
        batches = iter(self._batches)
        for number in itertools.count():
            with seeded(mixed_seed(self.seed, epoch, number)):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _ready(self, batch: Any) -> Batch:
        from accelerate.utils import send_to_device

        if isinstance(batch, Exception):
            raise batch
        batch = send_to_device(batch, self.device, non_blocking=self.device.type == "cuda")
        dataset = self._batches.dataset
        return dataset.decode(batch) if isinstance(dataset, SeededDataset) else Batch(*batch[:3])


def default_workers(data: Dataset[Any]) -> int:
    """Choose the number of worker processes: half of the cores, at most 8, and 0 if workers would not help."""
    # Without fork, each worker would re-run a script that lacks an `if __name__ == "__main__"` guard.
    chosen = multiprocessing.get_start_method(allow_none=True)
    if (chosen or multiprocessing.get_all_start_methods()[0]) != "fork":
        return 0
    if isinstance(data, IterableDataset):  # each worker would read all of it
        return 0
    whole, _ = find_bytes_dataset(data)
    if isinstance(whole, LabArrays) and not whole.transform and not torch.cuda.is_available():
        return 0  # reading rows is faster than passing them between processes
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # training processes on this machine
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores // 2 // local)


def _kind(data: Dataset[Any]) -> str:
    """Name the class of the dataset, looking through transforms."""
    return type(data.data if isinstance(data, Transformed | TransformedStream) else data).__name__


def _length(data: Dataset[Any]) -> int:
    try:
        count = len(data)  # type: ignore[arg-type]
    except TypeError as error:
        raise DataError(
            f"{_kind(data)} has no length, which the schedule of a training needs; give it a __len__"
        ) from error
    if not count:
        raise DataError(f"{_kind(data)} is empty; there is nothing to learn from")
    return count

"""Reproducible reading of batches in worker processes."""

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from colorfuse.data.bytes_dataset import find_bytes_dataset
from colorfuse.data.sampling import Place, mixed_seed
from colorfuse.data.transforms import get_samples
from colorfuse.errors import DataError, PhotoError
from colorfuse.sample import Batch


class SeededDataset(Dataset[Any]):
    """A dataset indexed by places that seeds the random draws of its transforms, batch by batch.

    Errors are returned from workers as values: a raised one would arrive as the text of a traceback.
    """

    def __init__(self, data: Dataset[Any], seed: int) -> None:
        self.data = data
        self.seed = seed
        self.whole, self.positions = find_bytes_dataset(data)

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # torch's Dataset declares no __len__

    def __getitems__(self, places: Sequence[Place]) -> list[Any]:
        when, first = places[0]  # the first index tells the shares of processes apart
        with seeded(mixed_seed(self.seed, *when, first)):
            try:
                return self._read([index for _, index in places])
            except (PhotoError, DataError, OSError) as error:
                return [error]

    def _read(self, indices: Sequence[int]) -> list[Any]:
        if self.whole is None:
            return get_samples(self.data, indices)
        rows = self.positions[torch.tensor(indices)].tolist()
        images = list(self.whole.read(rows))
        labels = self.whole.labels
        return images if labels is None else [(image, labels[row]) for image, row in zip(images, rows, strict=True)]

    def decode(self, batch: Any) -> Batch:
        """Decode a batch to L, ab and, if present, labels."""
        if self.whole is None:
            return Batch(*batch[:3])
        images, *labels = [batch] if self.whole.labels is None else batch
        return Batch(*self.whole.decode(images), *labels)


def collate(samples: list[Any]) -> Any:
    """Collate samples to a batch, or return the error that prevented reading them."""
    return samples[0] if isinstance(samples[0], Exception) else default_collate(samples)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators of torch, NumPy and Python within a block, and restore their states after it."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002, third-party transforms draw from it
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002, as above
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002, as above

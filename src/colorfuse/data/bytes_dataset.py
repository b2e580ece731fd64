"""What datasets share whose samples are bytes until they are used."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from colorfuse.data.transforms import Transform
from colorfuse.sample import Sample


class BytesDataset(Dataset[Any], ABC):
    """Samples of (L, ab) that are kept as images of bytes.

    A loader lets its workers `read`, which is slow but gives little, and lets `decode` run where the batch is used:
    on its way to the device it is four times as small.

    Attributes:
        transform: Applied to each image of bytes; None for what `fit` chooses in training, and the default otherwise.
        image_size: Side of the squares that the default transform makes.
        labels: A class index a sample, or None.
    """

    transform: Transform | None = None
    image_size: int
    labels: Sequence[int] | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, indices: Sequence[int]) -> Tensor:
        """Images of bytes `(N, 3, H, W)`, transformed."""

    @abstractmethod
    def decode(self, images: Tensor) -> Sample:
        """L `(N, 1, H, W)` and ab `(N, 2, H, W)` of what `read` gave, on any device."""

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several samples at once: pairs of L `(1, H, W)` and ab `(2, H, W)`, and the label if there are labels."""
        parts: list[Any] = list(self.decode(self.read(indices)))
        if self.labels is not None:
            parts.append([self.labels[index] for index in indices])
        return list(zip(*parts, strict=True))

    def with_transform(self, transform: Transform | None, image_size: int) -> Self:
        """The same samples with another transform, at another size."""
        other = copy.copy(self)
        other.transform, other.image_size = transform, image_size
        return other


def find_bytes_dataset(data: Dataset[Any]) -> tuple[BytesDataset | None, Tensor]:
    """The dataset of bytes that `data` is, or is a subset of, and the positions there; None if it is no such one."""
    if isinstance(data, Subset):
        whole, positions = find_bytes_dataset(data.dataset)
        return whole, positions[torch.tensor(data.indices, dtype=torch.long)]
    return data if isinstance(data, BytesDataset) else None, torch.arange(len(data))  # type: ignore[arg-type]  # torch types no length


def without_transform(data: Dataset[Any]) -> Dataset[Any]:
    """The samples of `data` as its default transform gives them, which draws nothing; other datasets as they are."""
    if isinstance(data, Subset):
        return Subset(without_transform(data.dataset), data.indices)
    return data.with_transform(None, data.image_size) if isinstance(data, BytesDataset) else data

"""Base class of datasets whose samples stay uint8 until they are used."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from colorfuse.data.transforms import Transform
from colorfuse.sample import Sample


def check_is_dataset(data: Any) -> None:
    """Check that this is a dataset.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(data, Dataset):
        raise TypeError(f"give a dataset of (L, ab), such as PhotoFolder of a folder, not {type(data).__name__}")


class BytesDataset(Dataset[Any], ABC):
    """A map-style dataset of (L, ab) that stores its samples as uint8 images.

    Worker processes only call `read`; `decode` runs on the device that uses the batch. So a batch is transferred as
    uint8, at a quarter of the size.

    Attributes:
        transform: Applied to each uint8 image. None for the one that `fit` chooses in training, and the default
            otherwise.
        image_size: Side in pixels of the square images that the default transform makes.
        labels: A class index per sample, or None.
    """

    transform: Transform | None = None
    image_size: int
    labels: Sequence[int] | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, indices: Sequence[int]) -> Tensor:
        """Read and transform samples, as uint8 images `(N, 3, H, W)`."""

    @abstractmethod
    def decode(self, images: Tensor) -> Sample:
        """Decode images returned by `read` to L `(N, 1, H, W)` and ab `(N, 2, H, W)`, on any device."""

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Get several samples at once: L `(1, H, W)`, ab `(2, H, W)`, and the label if there are labels."""
        parts: list[Any] = list(self.decode(self.read(indices)))
        if self.labels is not None:
            parts.append([self.labels[index] for index in indices])
        return list(zip(*parts, strict=True))

    def with_transform(self, transform: Transform | None, image_size: int) -> Self:
        """Return a dataset of the same samples with another transform and size."""
        other = copy.copy(self)
        other.transform, other.image_size = transform, image_size
        return other


def find_bytes_dataset(data: Dataset[Any]) -> tuple[BytesDataset | None, Tensor]:
    """Find the `BytesDataset` that `data` is, or is a subset of, or None; and the indices of its samples there."""
    if isinstance(data, Subset):
        whole, positions = find_bytes_dataset(data.dataset)
        return whole, positions[torch.tensor(data.indices, dtype=torch.long)]
    return data if isinstance(data, BytesDataset) else None, torch.arange(len(data))  # type: ignore[arg-type]  # torch's Dataset declares no __len__


def without_transform(data: Dataset[Any]) -> Dataset[Any]:
    """Replace the transform of a `BytesDataset` by its deterministic default; other datasets are unchanged."""
    if isinstance(data, Subset):
        return Subset(without_transform(data.dataset), data.indices)
    return data.with_transform(None, data.image_size) if isinstance(data, BytesDataset) else data

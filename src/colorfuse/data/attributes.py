"""What a dataset says of each of its samples beside L and ab."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from colorfuse.data.transforms import Transformed


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

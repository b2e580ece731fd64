"""Per-sample attributes of datasets, beside L and ab."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from colorfuse.data.transforms import Transformed


def sample_weights(data: Dataset[Any]) -> Tensor | None:
    """Get the sampling weight of each sample, or None if the dataset has no weights."""
    return _of_each(data, "sample_weights", torch.float64)


def count_classes(data: Dataset[Any]) -> int | None:
    """Count the classes of the labels, or return None if the dataset has no labels."""
    labels = _of_each(data, "labels", torch.long)
    return None if labels is None else int(labels.max()) + 1


def _of_each(data: Dataset[Any], name: str, dtype: torch.dtype) -> Tensor | None:
    """Get a per-sample attribute of a dataset, looking through transforms and subsets."""
    if isinstance(data, Transformed):
        return _of_each(data.data, name, dtype)
    if isinstance(data, Subset):
        values = _of_each(data.dataset, name, dtype)
        return None if values is None else values[torch.tensor(data.indices, dtype=torch.long)]
    values = getattr(data, name, None)
    return None if values is None else torch.as_tensor(values, dtype=dtype)

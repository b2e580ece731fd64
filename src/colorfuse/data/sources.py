"""Conversion of the arguments of `fit` to datasets."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, Subset

from colorfuse.data.bytes_dataset import BytesDataset, without_transform
from colorfuse.data.photos import PhotoArray, PhotoFolder, PhotoList
from colorfuse.data.splitting import split
from colorfuse.data.transforms import AUGMENTATIONS, Transform, Transformed, TransformedStream, center_crop
from colorfuse.errors import DataError
from colorfuse.registry import unknown_name

Source: TypeAlias = str | Path | Sequence[Any] | NDArray[np.uint8] | Dataset[Any]
"""Colour photos: a folder, a list of files and folders, a list of PIL images, arrays and tensors as accepted by
`read_photo`, uint8 RGB `(N, H, W, 3)`, or a dataset of (L, ab)."""


def as_datasets(
    data: Source,
    validation: Source | float | None,
    *,
    image_size: int,
    augmentation: str,
    seed: int,
    labels: bool = False,
) -> tuple[Dataset[Any], Dataset[Any] | None]:
    """Make the training and validation datasets.

    Args:
        data: Photos to train on.
        validation: Photos to validate on, or the fraction of `data` to hold out, above 0 and below 1.
        image_size: Side of the square images in pixels.
        augmentation: A name from `AUGMENTATIONS`, for the training photos. A dataset that has its own transform
            keeps it, except for a held-out fraction.
        seed: Determines which samples are held out.
        labels: Whether training samples are (L, ab, label), if they come from folders.

    Raises:
        ValueError: The augmentation is unknown, the fraction is out of range, or there are no sub-folders to take
            labels from.
        DataError: There are no photos, or an iterable dataset would have to be split.
        TypeError: `data` is not a `Source`.
    """
    if augmentation not in AUGMENTATIONS:
        raise unknown_name("augmentation", augmentation, AUGMENTATIONS)
    train, held_out = _held_out(as_dataset(data, labels), validation, seed)
    augmented = _with_transform(train, AUGMENTATIONS[augmentation](image_size), image_size)
    return augmented, None if held_out is None else _with_transform(held_out, center_crop(image_size), image_size)


def _held_out(
    data: Dataset[Any], validation: Source | float | None, seed: int
) -> tuple[Dataset[Any], Dataset[Any] | None]:
    if validation is None:
        return data, None
    if not isinstance(validation, int | float | np.floating):
        return data, as_dataset(validation)
    if not 0 < validation < 1:
        raise ValueError(f"validation={validation} must be a share between 0 and 1, or photos, or None for none")
    if isinstance(data, IterableDataset):
        raise DataError(f"no share of an iterable dataset can be held out; give validation photos, not {validation}")
    train, held_out = split(data, (1 - float(validation), float(validation)), seed)
    return train, Subset(without_transform(data), held_out.indices)


def as_dataset(data: Source, labels: bool = False) -> Dataset[Any]:
    """Make a dataset of (L, ab) from any `Source`.

    Raises:
        ValueError: There are no sub-folders to take labels from.
        DataError: There are no photos.
        TypeError: `data` is not a `Source`.
    """
    if isinstance(data, str | Path):
        return PhotoFolder(data, labels=labels)
    if isinstance(data, list | tuple):
        return PhotoFolder(data, labels=labels) if are_paths(data) else PhotoList(data)
    if isinstance(data, np.ndarray):
        return PhotoArray(data)
    if isinstance(data, Dataset):
        return data
    raise TypeError(
        "photos must be a folder, a list of paths or of images, a uint8 array (N, H, W, 3) or a dataset of (L, ab), "
        f"not {type(data).__name__}"
    )


def _with_transform(data: Dataset[Any], transform: Transform, image_size: int) -> Dataset[Any]:
    """Apply a transform to images before decoding, unless they have their own; for other datasets, to L and ab."""
    if isinstance(data, Subset):
        return Subset(_with_transform(data.dataset, transform, image_size), data.indices)
    if isinstance(data, BytesDataset):
        return data if data.transform else data.with_transform(transform, image_size)
    if isinstance(data, IterableDataset):
        return TransformedStream(data, transform)
    return Transformed(data, transform)


def are_paths(photos: Sequence[Any]) -> bool:
    """Whether a list holds only paths, rather than photos in memory; True if it is empty."""
    return all(isinstance(photo, str | os.PathLike) for photo in photos)

"""What `fit` is given, as datasets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Subset

from colorfuse.data.crops import AUGMENTATIONS, Crop, center_crop
from colorfuse.data.photos import PhotoArray, PhotoFolder, Sample, find_photos
from colorfuse.registry import unknown_name

Source: TypeAlias = str | Path | list[str] | list[Path] | NDArray[np.uint8] | Dataset[Any]
"""A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab)."""


def as_datasets(
    data: Source, validation: Source | float | None, *, image_size: int, augmentation: str, seed: int
) -> tuple[Dataset[Sample], Dataset[Sample] | None]:
    """The datasets to train and to validate on.

    Args:
        data: Photos to train on.
        validation: Photos to validate on, or the share of `data` to hold out for it, above 0 and below 1.
        image_size: Side of the squares in pixels; datasets of (L, ab) keep their own size.
        augmentation: A name from `AUGMENTATIONS`; validation photos are never augmented.
        seed: Chooses what is held out.

    Raises:
        ValueError: The augmentation is unknown, or the share leaves one side without photos.
        TypeError: The data are none of the above.
    """
    if augmentation not in AUGMENTATIONS:
        raise unknown_name("augmentation", augmentation, AUGMENTATIONS)
    crop, fixed = AUGMENTATIONS[augmentation](image_size), center_crop(image_size)
    train = _as_dataset(data, image_size)
    if validation is None:
        return train(crop), None
    if not isinstance(validation, int | float | np.floating):
        return train(crop), _as_dataset(validation, image_size)(fixed)
    kept, held_out = _hold_out(len(train(crop)), float(validation), seed)  # type: ignore[arg-type]
    return Subset(train(crop), kept), Subset(train(fixed), held_out)


def _as_dataset(data: Source, image_size: int) -> Callable[[Crop], Dataset[Sample]]:
    """The dataset of `data`, once a crop is chosen."""
    if isinstance(data, str | Path | list | tuple):
        paths = find_photos(data)
        return lambda crop: PhotoFolder(paths, image_size, crop)
    if isinstance(data, np.ndarray):
        return lambda crop: PhotoArray(data, image_size, crop)
    if isinstance(data, Dataset):
        return lambda crop: data
    raise TypeError(
        "photos must be a folder, a list of paths, a uint8 array (N, H, W, 3) or a dataset of (L, ab), "
        f"not {type(data).__name__}"
    )


def _hold_out(count: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    held_out = round(count * share)
    if not 0 < held_out < count:
        raise ValueError(
            f"validation={share} of {count} photos leaves one side empty; use a share between 0 and 1, more "
            "photos, or None to validate on none"
        )
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order[held_out:], order[:held_out]

"""Transforms from photos of any size to square training images."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset, IterableDataset

from colorfuse.errors import DataError

Transform: TypeAlias = Callable[[Any], Any]
"""A transform of torchvision's `transforms.v2`, or any callable on a PIL image or a tensor `(C, H, W)`."""


def center_crop(size: int) -> Transform:
    """Make a deterministic transform: crop the largest centred square and scale it to `size`."""
    return partial(_center_square, size=size)


def _center_square(image: Image.Image | Tensor, size: int) -> Image.Image | Tensor:
    if isinstance(image, Image.Image):
        return ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[..., top : top + side, left : left + side]
    if side == size:
        return square
    return functional.interpolate(square[None], (size, size), mode="bilinear", antialias=True)[0]


def random_crop_flip(size: int) -> Transform:
    """Make a random transform: crop 35 % to 100 % of the area, scale it to `size`, and flip it half the time."""
    from torchvision.transforms import v2  # takes seconds to import, and only training needs it

    crop: Transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.35, 1.0), ratio=(0.8, 1.25), antialias=True),
            v2.RandomHorizontalFlip(),
        ]
    )
    return crop


AUGMENTATIONS: dict[str, Callable[[int], Transform]] = {"none": center_crop, "crop_flip": random_crop_flip}
"""Values of a colorizer's `augmentation`."""


class Transformed(Dataset[Any]):
    """Map-style dataset that applies a transform to L and ab together.

    Args:
        data: A map-style dataset of (L, ab), possibly with further values.
        transform: Maps Lab `(3, H, W)` to Lab. Only geometric transforms make sense.
    """

    def __init__(self, data: Dataset[Any], transform: Transform) -> None:
        self.data = data
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # torch's Dataset declares no __len__

    def __getitem__(self, index: int) -> Any:
        return transform_sample(self.data[index], self.transform)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Get several samples at once."""
        return [transform_sample(sample, self.transform) for sample in get_samples(self.data, indices)]


class TransformedStream(IterableDataset[Any]):
    """`Transformed` for an iterable dataset."""

    def __init__(self, data: IterableDataset[Any], transform: Transform) -> None:
        self.data = data
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # torch's Dataset declares no __len__

    def set_epoch(self, epoch: int) -> None:
        """Pass the number of the next epoch to the dataset, if it has `set_epoch`."""
        if hasattr(self.data, "set_epoch"):
            self.data.set_epoch(epoch)

    def __iter__(self) -> Any:
        return (transform_sample(sample, self.transform) for sample in self.data)


def transform_sample(sample: Any, transform: Transform) -> Any:
    """Transform L and ab of a sample as one image, and keep its other values.

    Raises:
        DataError: It is none.
    """
    lab = transform(lab_of_sample(sample))
    return lab[:1], lab[1:], *sample[2:]


def lab_of_sample(sample: Any) -> Tensor:
    """Join L and ab of a sample, which may be arrays, to one image `(3, H, W)`.

    Raises:
        DataError: It is none.
    """
    try:
        lightness, ab, *_ = sample
        lightness, ab = (torch.as_tensor(planes, dtype=torch.float32) for planes in (lightness, ab))
    except (TypeError, ValueError) as error:
        raise DataError(f"a sample must be L (1, H, W) and ab (2, H, W), not {type(sample).__name__}") from error
    if (len(lightness), lightness.shape[1:]) != (1, ab.shape[1:]) or ab.ndim != 3 or len(ab) != 2:
        shapes = f"{tuple(lightness.shape)} and {tuple(ab.shape)}"
        raise DataError(f"a sample must be L (1, H, W) and ab (2, H, W), not {shapes}")
    return torch.cat([lightness, ab])


def get_samples(data: Dataset[Any], indices: Sequence[int]) -> list[Any]:
    """Get several samples, at once if the dataset supports it."""
    if hasattr(data, "__getitems__"):
        samples: list[Any] = data.__getitems__(indices)
        return samples
    return [data[index] for index in indices]

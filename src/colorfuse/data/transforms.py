"""How a photo of any size becomes a square of the size that the network is trained on."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset, IterableDataset

Transform: TypeAlias = Callable[[Any], Any]
"""One of torchvision's `transforms.v2`, or what behaves like one: takes a PIL image or a tensor `(C, H, W)`."""


def center_crop(size: int) -> Transform:
    """Cut out the greatest square in the centre and scale it to `size`: the same each time."""
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
    """Cut out 35 % to 100 % of the area at random, scale it to `size`, mirror it half of the time."""
    from torchvision.transforms import v2  # takes seconds to import, and only training needs it

    crop: Transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.35, 1.0), ratio=(0.8, 1.25), antialias=True),
            v2.RandomHorizontalFlip(),
        ]
    )
    return crop


AUGMENTATIONS: dict[str, Callable[[int], Transform]] = {"none": center_crop, "crop_flip": random_crop_flip}
"""What a colorizer's `augmentation` may be."""


class Transformed(Dataset[Any]):
    """A dataset of (L, ab) whose samples are transformed, L and ab alike.

    Args:
        data: A map-style dataset of (L, ab), or of these and more.
        transform: Takes and gives Lab `(3, H, W)`: geometry alone makes sense there.
    """

    def __init__(self, data: Dataset[Any], transform: Transform) -> None:
        self.data = data
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # torch types no length

    def __getitem__(self, index: int) -> Any:
        return transform_sample(self.data[index], self.transform)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several samples at once."""
        return [transform_sample(sample, self.transform) for sample in get_samples(self.data, indices)]


class TransformedStream(IterableDataset[Any]):
    """`Transformed` for an iterable dataset."""

    def __init__(self, data: IterableDataset[Any], transform: Transform) -> None:
        self.data = data
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # torch types no length

    def set_epoch(self, epoch: int) -> None:
        """Tell the stream which epoch is gone through next, if it asks for that."""
        if hasattr(self.data, "set_epoch"):
            self.data.set_epoch(epoch)

    def __iter__(self) -> Any:
        return (transform_sample(sample, self.transform) for sample in self.data)


def transform_sample(sample: Any, transform: Transform) -> Any:
    """A sample with L and ab transformed as one image, and what else it holds as it is."""
    lightness, ab, *more = sample
    lab = transform(torch.cat([lightness, ab]))
    return lab[:1], lab[1:], *more


def get_samples(data: Dataset[Any], indices: Sequence[int]) -> list[Any]:
    """Several samples, at once where the dataset can."""
    if hasattr(data, "__getitems__"):
        samples: list[Any] = data.__getitems__(indices)
        return samples
    return [data[index] for index in indices]

"""How a photo of any size becomes a square of the size that the network is trained on."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from PIL import Image, ImageOps

Crop: TypeAlias = Callable[[Image.Image], Image.Image]


def center_crop(size: int) -> Crop:
    """Cut out the greatest square in the centre and scale it to `size`: the same each time."""
    return partial(ImageOps.fit, size=(size, size), method=Image.Resampling.BILINEAR)


def random_crop_flip(size: int) -> Crop:
    """Cut out 35 % to 100 % of the area at random, scale it to `size`, mirror it half of the time."""
    from torchvision.transforms import v2  # takes seconds to import, and only training needs it

    crop: Crop = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.35, 1.0), ratio=(0.8, 1.25), antialias=True),
            v2.RandomHorizontalFlip(),
        ]
    )
    return crop


AUGMENTATIONS: dict[str, Callable[[int], Crop]] = {"none": center_crop, "crop_flip": random_crop_flip}
"""What a colorizer's `augmentation` may be."""

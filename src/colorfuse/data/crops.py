"""How a photo of any size becomes a square of the size that the network is trained on."""

from collections.abc import Callable
from typing import TypeAlias

from PIL import Image
from torchvision.transforms import v2

Crop: TypeAlias = Callable[[Image.Image], Image.Image]


def center_crop(size: int) -> Crop:
    """Scale the short side to `size` and cut out the centre: the same square each time."""
    crop: Crop = v2.Compose([v2.Resize(size, antialias=True), v2.CenterCrop(size)])
    return crop


def random_crop_flip(size: int) -> Crop:
    """Cut out 35 % to 100 % of the area at random, scale it to `size`, mirror it half of the time."""
    crop: Crop = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.35, 1.0), ratio=(0.8, 1.25), antialias=True),
            v2.RandomHorizontalFlip(),
        ]
    )
    return crop


AUGMENTATIONS: dict[str, Callable[[int], Crop]] = {"none": center_crop, "crop_flip": random_crop_flip}
"""What a colorizer's `augmentation` may be."""

"""Datasets over photos: files in folders, and arrays of bytes."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from colorfuse.color import rgb_to_lab
from colorfuse.data.finding import find_photos_below
from colorfuse.data.sample import Sample
from colorfuse.data.screening import LeftOut, screen
from colorfuse.data.transforms import Transform, center_crop
from colorfuse.errors import DataError
from colorfuse.images import open_rgb


class PhotoFolder(Dataset[Any]):
    """Photos in a folder and the folders below it, as squares of L and ab.

    All photos are looked at once, small: those that are gray in fact have no colour to learn from and are left out,
    and so are those that cannot be read. A warning counts the first and names the second.

    Args:
        photos: A folder, or a list of files and folders.
        image_size: Side of the squares in pixels.
        transform: One of torchvision's `transforms.v2`, applied to the RGB image before it becomes L and ab. By
            default the centre of the photo, scaled to `image_size`; in training what the colorizer's `augmentation`
            says.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, are gray; 0 takes them all.
        unreadable: "skip" leaves out what cannot be read; "raise" makes an error of it when it is read. With that and
            `min_chroma=0`, photos are not looked at beforehand.
        weights: How often photos are drawn in training, by patterns of their sub-folders, paths or names below the
            folder, as in `{"street": 2, "pets/*": 0.5, "*_night.jpg": 3}`. The first pattern that matches counts;
            photos that none matches weigh 1.
        labels: Whether samples are (L, ab, label), the label being the index in `classes` of the sub-folder.

    Attributes:
        paths: The photos' files.
        left_out: The photos that were left out, `gray` and `unreadable`.
        sample_weights: A weight a photo, or None.
        classes: The names of the sub-folders, sorted; empty without `labels`.

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: No photos are found, or all are left out.
        ValueError: A pattern matches no photo, or there are no sub-folders to make labels of.

    Example:
        >>> from skimage import data_dir
        >>> lightness, ab = PhotoFolder([f"{data_dir}/astronaut.png"], image_size=64)[0]
        >>> lightness.shape, ab.shape
        (torch.Size([1, 64, 64]), torch.Size([2, 64, 64]))
    """

    def __init__(
        self,
        photos: str | Path | Sequence[str | Path],
        image_size: int = 224,
        *,
        transform: Transform | None = None,
        min_chroma: float = 2.0,
        unreadable: Literal["skip", "raise"] = "skip",
        weights: Mapping[str, float] | None = None,
        labels: bool = False,
    ) -> None:
        if unreadable not in ("skip", "raise"):
            raise ValueError(f'unreadable must be "skip" or "raise", not {unreadable!r}')
        found = find_photos_below(photos)
        self.left_out = _screened([path for path, _ in found], min_chroma, unreadable)
        dropped = {*self.left_out.gray, *self.left_out.unreadable}
        kept = [(path, below) for path, below in found if path not in dropped]
        self.paths = [path for path, _ in kept]
        self.image_size = image_size
        self.transform = transform
        self.sample_weights = _weights([below for _, below in kept], weights) if weights else None
        self.classes, self._labels = _classes([below for _, below in kept]) if labels else ([], [])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        # Twice the side leaves room for a random crop; decoding less of a large JPEG is much faster.
        image = open_rgb(self.paths[index], at_least=2 * self.image_size)
        sample = _to_sample(image, self.transform or center_crop(self.image_size))
        return (*sample, self._labels[index]) if self.classes else sample

    def with_transform(self, transform: Transform | None, image_size: int) -> Self:
        """The same photos with another transform, at another size."""
        other = copy.copy(self)
        other.transform, other.image_size = transform, image_size
        return other


class PhotoArray(Dataset[Sample]):
    """Photos in an array of bytes, as squares of L and ab.

    Args:
        photos: RGB bytes `(N, H, W, 3)`.
        image_size: Side of the squares in pixels.
        transform: One of torchvision's `transforms.v2`, applied to the RGB image before it becomes L and ab. By
            default the centre of the photo, scaled to `image_size`; in training what the colorizer's `augmentation`
            says.

    Raises:
        DataError: The array has another shape or dtype, or no photos.

    Example:
        >>> lightness, ab = PhotoArray(np.zeros((5, 40, 60, 3), np.uint8), image_size=32)[0]
        >>> lightness.shape, ab.shape
        (torch.Size([1, 32, 32]), torch.Size([2, 32, 32]))
    """

    def __init__(
        self, photos: NDArray[np.uint8], image_size: int = 224, *, transform: Transform | None = None
    ) -> None:
        if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[-1] != 3 or 0 in photos.shape:
            raise DataError(
                f"an array of photos is uint8 of shape (N, H, W, 3), not {photos.dtype} of shape {photos.shape}"
            )
        self.photos = photos
        self.image_size = image_size
        self.transform = transform

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Sample:
        return _to_sample(Image.fromarray(self.photos[index]), self.transform or center_crop(self.image_size))

    def with_transform(self, transform: Transform | None, image_size: int) -> Self:
        """The same photos with another transform, at another size."""
        return type(self)(self.photos, image_size, transform=transform)


def _screened(paths: list[Path], min_chroma: float, unreadable: str) -> LeftOut:
    if min_chroma <= 0 and unreadable == "raise":
        return LeftOut()
    left_out = screen(paths, min_chroma)
    if unreadable == "raise":
        left_out.unreadable = {}
    if len(left_out) == len(paths):
        raise DataError(
            f"no colour photos among {len(paths)}: {left_out}; min_chroma={min_chroma:g} decides what is gray"
        )
    if len(left_out):
        warnings.warn(f"of {len(paths)} photos, {left_out}", stacklevel=3)
    return left_out


def _weights(below: list[Path], weights: Mapping[str, float]) -> Tensor:
    """The weight of each photo."""
    for pattern, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ValueError(f"the weight of {pattern!r} must be a number from 0 on, not {weight}")
    matches = [[_matches(path, pattern) for path in below] for pattern in weights]
    for pattern, matched in zip(weights, matches, strict=True):
        if not any(matched):
            raise ValueError(
                f"no photo matches the pattern {pattern!r} of weights; {below[0].as_posix()} is one of them"
            )
    table = torch.tensor(matches)
    first = table.int().argmax(dim=0)
    return torch.where(table.any(dim=0), torch.tensor([float(weight) for weight in weights.values()])[first], 1.0)


def _matches(path: Path, pattern: str) -> bool:
    names = [path.name, path.as_posix(), *(folder.as_posix() for folder in path.parents)]
    return any(fnmatchcase(name, pattern) for name in names)


def _classes(below: list[Path]) -> tuple[list[str], list[int]]:
    """The sub-folders' names, and the index of each photo's."""
    for path in below:
        if len(path.parts) == 1:
            raise ValueError(f"{path} lies in no sub-folder, and labels are the names of sub-folders")
    classes = sorted({path.parts[0] for path in below})
    index = {name: number for number, name in enumerate(classes)}
    return classes, [index[path.parts[0]] for path in below]


def _to_sample(image: Image.Image, transform: Transform) -> Sample:
    square: Image.Image | Tensor = transform(image)
    rgb = square if isinstance(square, Tensor) else torch.from_numpy(np.array(square)).movedim(-1, 0)
    lab = rgb_to_lab(rgb)
    return lab[:1], lab[1:]

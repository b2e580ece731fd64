"""Datasets of photos in files, arrays and memory."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from colorfuse.color import rgb_to_lab
from colorfuse.data.bytes_dataset import BytesDataset
from colorfuse.data.monochrome import MIN_CHROMA, find_monochrome
from colorfuse.data.screening import LeftOut, screen
from colorfuse.data.subfolders import classes_by_subfolder, weights_by_pattern
from colorfuse.data.transforms import Transform, center_crop
from colorfuse.errors import DataError
from colorfuse.images import Photo, PhotoSource, open_rgb, read_photo
from colorfuse.images.finding import find_photos_below
from colorfuse.images.pixels import as_bytes
from colorfuse.sample import Sample


class PhotoFolder(BytesDataset):
    """Map-style dataset of the photos in a folder and its sub-folders, as square images of L and ab.

    All photos are first screened at low resolution. Gray photos and toned ones, such as sepia, have no colour to
    learn from and are left out, as are files that cannot be read. A warning counts the former and names the latter.

    Args:
        photos: A folder, or a list of files and folders.
        image_size: Side of the square images in pixels.
        transform: A transform of torchvision's `transforms.v2`, applied to the RGB image before conversion to Lab.
            By default a centre crop scaled to `image_size`; in training, the colorizer's `augmentation`.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, are gray; 0 keeps all photos, even toned ones.
        unreadable: "skip" leaves out files that cannot be read; "raise" raises an error when such a file is read.
            With "raise" and `min_chroma=0`, photos are not screened.
        weights: Sampling weights for training, by patterns for the sub-folders, relative paths or names of photos,
            as in `{"street": 2, "pets/*": 0.5, "*_night.jpg": 3}`. The first matching pattern counts; photos without
            a match have weight 1.
        labels: Whether samples are (L, ab, label), where the label is the index of the sub-folder in `classes`.

    Attributes:
        paths: The photos' files.
        left_out: The photos that were left out, as `gray`, `toned` and `unreadable`.
        sample_weights: A weight per photo, or None.
        classes: The names of the sub-folders, sorted; empty without `labels`.

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: No photos are found, or all are left out.
        ValueError: An option is out of range, a pattern matches no photo, or `labels` is set and a photo is not in a
            sub-folder.

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
        min_chroma: float = MIN_CHROMA,
        unreadable: Literal["skip", "raise"] = "skip",
        weights: Mapping[str, float] | None = None,
        labels: bool = False,
    ) -> None:
        if image_size < 1 or not min_chroma >= 0:
            raise ValueError(f"image_size={image_size} must be at least 1 and min_chroma={min_chroma} at least 0")
        if unreadable not in ("skip", "raise"):
            raise ValueError(f'unreadable must be "skip" or "raise", not {unreadable!r}')
        found = find_photos_below(photos)
        self.left_out = _screened([path for path, _ in found], min_chroma, unreadable)
        dropped = {*self.left_out.gray, *self.left_out.toned, *self.left_out.unreadable}
        kept = [(path, below) for path, below in found if path not in dropped]
        self.paths = [path for path, _ in kept]
        self.image_size = image_size
        self.transform = transform
        self._at_least = None if transform else _side_to_decode(image_size)
        self.sample_weights = weights_by_pattern([below for _, below in kept], weights) if weights else None
        self.classes, self.labels = classes_by_subfolder([below for _, below in kept]) if labels else ([], None)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read samples as uint8 RGB `(N, 3, H, W)`."""
        images = (open_rgb(self.paths[index], self._at_least) for index in indices)
        return _stacked(images, self.transform or center_crop(self.image_size))

    def decode(self, images: Tensor) -> Sample:
        """Convert RGB to L and ab."""
        return _lab_of(images)

    def with_transform(self, transform: Transform | None, image_size: int) -> Self:
        """Return a dataset of the same photos with another transform and size."""
        other = super().with_transform(transform, image_size)
        other._at_least = _side_to_decode(image_size)
        return other


class PhotoArray(BytesDataset):
    """Map-style dataset of the photos in a uint8 array, as square images of L and ab.

    Args:
        photos: uint8 RGB `(N, H, W, 3)`.
        image_size: Side of the square images in pixels.
        transform: A transform of torchvision's `transforms.v2`, applied to the RGB image before conversion to Lab.
            By default a centre crop scaled to `image_size`; in training, the colorizer's `augmentation`.

    Raises:
        DataError: The array has another shape or dtype, or no photos.
        ValueError: `image_size` is below 1.

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
        if image_size < 1:
            raise ValueError(f"image_size={image_size} must be at least 1")
        self.photos = photos
        self.image_size = image_size
        self.transform = transform

    def __len__(self) -> int:
        return len(self.photos)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read samples as uint8 RGB `(N, 3, H, W)`."""
        images = (Image.fromarray(self.photos[index]) for index in indices)
        return _stacked(images, self.transform or center_crop(self.image_size))

    def decode(self, images: Tensor) -> Sample:
        """Convert RGB to L and ab."""
        return _lab_of(images)


class PhotoList(BytesDataset):
    """Map-style dataset of photos held in memory, of any sizes, as square images of L and ab.

    Gray and toned photos have no colour to learn from; they are left out, and a warning counts them.

    Args:
        photos: PIL images, arrays, tensors, open files or paths, as accepted by `read_photo`.
        image_size: Side of the square images in pixels.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, are gray; 0 keeps all photos.

    Raises:
        DataError: There are no photos, or all are gray.
        PhotoError: A photo cannot be read.
    """

    def __init__(
        self, photos: Sequence[PhotoSource], image_size: int = 224, *, min_chroma: float = MIN_CHROMA
    ) -> None:
        if not photos:
            raise DataError("an empty list has no photos to learn from")
        images = [_rgb_image(read_photo(photo)) for photo in photos]
        self.images = [image for image in images if not find_monochrome(image, min_chroma)]
        if not self.images:
            raise DataError(f"no colour photos among {len(photos)}: all are gray or toned")
        if monochrome := len(images) - len(self.images):
            warnings.warn(f"of {len(photos)} photos, left out {monochrome} gray or toned", stacklevel=3)
        self.image_size = image_size

    def __len__(self) -> int:
        return len(self.images)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read samples as uint8 RGB `(N, 3, H, W)`."""
        images = (self.images[index] for index in indices)
        return _stacked(images, self.transform or center_crop(self.image_size))

    def decode(self, images: Tensor) -> Sample:
        """Convert RGB to L and ab."""
        return _lab_of(images)


def _rgb_image(photo: Photo) -> Image.Image:
    return Image.fromarray(np.broadcast_to(as_bytes(photo.pixels), (*photo.pixels.shape[:2], 3)))


def _side_to_decode(image_size: int) -> int:
    """Side to decode JPEGs at: reduced decoding is much faster, and twice the size leaves room for random crops."""
    return 2 * image_size


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


def _stacked(images: Iterable[Image.Image], transform: Transform) -> Tensor:
    squares = [_as_tensor(transform(image)) for image in images]
    shapes = sorted({tuple(square.shape) for square in squares})
    if len(shapes) > 1 or shapes[0][0] != 3:
        given = ", ".join(map(str, shapes))
        raise DataError(f"the transform gives images of {given}; end it with a crop to (3, n, n)")
    return torch.stack(squares)


def _as_tensor(square: Image.Image | Tensor) -> Tensor:
    return square if isinstance(square, Tensor) else torch.from_numpy(np.array(square)).movedim(-1, 0)


def _lab_of(rgb: Tensor) -> Sample:
    lightness, ab = rgb_to_lab(rgb).split((1, 2), dim=1)
    return lightness, ab

"""Datasets over photos: files in folders, and arrays of bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from colorfuse.color import rgb_to_lab
from colorfuse.data.crops import Crop, center_crop
from colorfuse.errors import PhotoError
from colorfuse.images import SUFFIXES, open_rgb

Sample: TypeAlias = tuple[Tensor, Tensor]
"""L `(1, H, W)` in 0 to 100 and ab `(2, H, W)` in CIELAB units."""


class PhotoFolder(Dataset[Sample]):
    """Photos in a folder and the folders below it, as squares of L and ab.

    Args:
        photos: A folder, or a list of files and folders.
        image_size: Side of the squares in pixels.
        crop: Makes a square of a PIL image; by default the centre of the photo, scaled to `image_size`.

    Raises:
        FileNotFoundError: A path does not exist.
        PhotoError: No photos are found.

    Example:
        >>> from skimage import data_dir
        >>> lightness, ab = PhotoFolder([f"{data_dir}/astronaut.png"], image_size=64)[0]
        >>> lightness.shape, ab.shape
        (torch.Size([1, 64, 64]), torch.Size([2, 64, 64]))
    """

    def __init__(
        self, photos: str | Path | Sequence[str | Path], image_size: int = 224, crop: Crop | None = None
    ) -> None:
        self.paths = find_photos(photos)
        self.image_size = image_size
        self.crop = crop or center_crop(image_size)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Sample:
        # Twice the side leaves room for a random crop; decoding less of a large JPEG is much faster.
        return _to_sample(self.crop(open_rgb(self.paths[index], at_least=2 * self.image_size)))


class PhotoArray(Dataset[Sample]):
    """Photos in an array of bytes, as squares of L and ab.

    Args:
        photos: RGB bytes `(N, H, W, 3)`.
        image_size: Side of the squares in pixels.
        crop: Makes a square of a PIL image; by default the centre of the photo, scaled to `image_size`.

    Raises:
        PhotoError: The array has another shape or dtype, or no photos.

    Example:
        >>> lightness, ab = PhotoArray(np.zeros((5, 40, 60, 3), np.uint8), image_size=32)[0]
        >>> lightness.shape, ab.shape
        (torch.Size([1, 32, 32]), torch.Size([2, 32, 32]))
    """

    def __init__(self, photos: NDArray[np.uint8], image_size: int = 224, crop: Crop | None = None) -> None:
        if photos.dtype != np.uint8 or photos.ndim != 4 or photos.shape[-1] != 3 or 0 in photos.shape:
            raise PhotoError(
                f"an array of photos is uint8 of shape (N, H, W, 3), not {photos.dtype} of shape {photos.shape}"
            )
        self.photos = photos
        self.crop = crop or center_crop(image_size)

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Sample:
        return _to_sample(self.crop(Image.fromarray(self.photos[index])))


def find_photos(photos: str | Path | Sequence[str | Path]) -> list[Path]:
    """The photos in a folder and below it, sorted, or those of a list of files and folders, in its order.

    Files of a folder count by their suffix; hidden ones, and those in hidden folders, do not.

    Raises:
        FileNotFoundError: A path does not exist.
        PhotoError: No photos are found.
    """
    roots = [Path(root) for root in ([photos] if isinstance(photos, str | Path) else photos)]
    found: list[Path] = []
    for root in roots:
        if not root.exists():
            raise FileNotFoundError(f"{root} does not exist; give a photo or a folder of photos")
        found += _photos_below(root) if root.is_dir() else [root]
    if not found:
        where = ", ".join(map(str, roots)) or "an empty list"
        raise PhotoError(f"no photos in {where}; they are files that end in one of {', '.join(SUFFIXES)}")
    return found


def _photos_below(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def _to_sample(image: Image.Image) -> Sample:
    pixels: NDArray[Any] = np.array(image)
    lab = rgb_to_lab(torch.from_numpy(pixels).movedim(-1, 0))
    return lab[:1], lab[1:]

"""Finds photos whose true colours are known, and the outputs of other programs for them."""

from collections import Counter
from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch.utils.data import IterableDataset

from colorfuse.color import lab_to_rgb
from colorfuse.data.photos import PhotoArray, PhotoList
from colorfuse.data.sources import Source, are_paths
from colorfuse.data.transforms import lab_of_sample
from colorfuse.errors import DataError
from colorfuse.images import open_rgb
from colorfuse.images.finding import find_photos_below


class GroundTruth(NamedTuple):
    """A photo that has not been read yet.

    Attributes:
        name: Its path relative to the given folder, its full path if another photo has the same relative one, or its
            index in an array or dataset.
        open: Reads the photo as RGB.
    """

    name: str
    open: Callable[[], Image.Image]


def find_ground_truth(photos: Source) -> list[GroundTruth]:
    """List the photos of a folder, of files and folders, of an array `(N, H, W, 3)`, or of a dataset of (L, ab).

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: There are no photos.
        TypeError: The photos have another type.
    """
    if isinstance(photos, list | tuple) and not are_paths(photos):
        photos = PhotoList(photos, min_chroma=0)
        return [GroundTruth(str(index), partial(_nth, photos.images, index)) for index in range(len(photos))]
    if isinstance(photos, str | Path | list | tuple):
        found = find_photos_below(photos)
        names = Counter(below for _, below in found)  # files in different folders may share a name
        return [
            GroundTruth((below if names[below] == 1 else path).as_posix(), partial(open_rgb, path))
            for path, below in found
        ]
    read: Callable[[Any, int], Image.Image] = _of_sample
    if isinstance(photos, np.ndarray):
        photos, read = PhotoArray(photos).photos, _of_array
    if isinstance(photos, IterableDataset) or not isinstance(photos, Sized):
        raise TypeError(
            "photos to judge must be a folder, a list of paths, a uint8 array (N, H, W, 3) or a map-style dataset "
            f"of (L, ab), not {type(photos).__name__}"
        )
    if not len(photos):
        raise DataError(f"{type(photos).__name__} is empty; there is nothing to judge")
    return [GroundTruth(str(index), partial(read, photos, index)) for index in range(len(photos))]


def find_outputs(folder: Path, originals: list[GroundTruth]) -> tuple[dict[str, Path], list[str]]:
    """Match the photos in a folder to originals by name, ignoring the suffix where the match is unique.

    Returns:
        The paths of the outputs by the name of the original, and the names of photos that match no original.

    Raises:
        FileNotFoundError: The folder does not exist.
        DataError: The folder holds no photos.
    """
    found = {below.as_posix(): path for path, below in find_photos_below(folder)}
    outputs = {name: found.pop(name) for name, _ in originals if name in found}
    # Formats that cannot be written get a further suffix: the output of a.jp2 is a.jp2.png.
    names, stems = {name for name, _ in originals}, Counter(map(_stem, found))
    for name in [name for name in found if _stem(name) in names - outputs.keys() and stems[_stem(name)] == 1]:
        outputs[_stem(name)] = found.pop(name)
    # Match the rest without their suffixes, where that is unambiguous.
    missing = [name for name, _ in originals if name not in outputs]
    wanted = {_stem(name): name for name in missing}
    alike, stems = Counter(map(_stem, missing)), Counter(map(_stem, found))
    for name in [name for name in found if stems[_stem(name)] == 1 == alike[_stem(name)]]:
        outputs[wanted.pop(_stem(name))] = found.pop(name)
    return outputs, sorted(found)


def _nth(images: list[Image.Image], index: int) -> Image.Image:
    return images[index]


def _of_array(photos: Any, index: int) -> Image.Image:
    return Image.fromarray(photos[index])


def _of_sample(data: Any, index: int) -> Image.Image:
    return Image.fromarray(lab_to_rgb(lab_of_sample(data[index]), dtype=torch.uint8).movedim(0, -1).numpy())


def _stem(name: str) -> str:
    return Path(name).with_suffix("").as_posix()

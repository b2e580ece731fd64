"""The photos whose true colours are known, and outputs of other programs for them."""

from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from colorfuse.color import lab_to_rgb
from colorfuse.data.finding import find_photos_below
from colorfuse.data.sources import Source
from colorfuse.errors import DataError
from colorfuse.images import open_rgb


class Original(NamedTuple):
    """A photo that is not read yet.

    Attributes:
        name: Its path below the folder that was given, or its number.
        open: Reads it, as RGB.
    """

    name: str
    open: Callable[[], Image.Image]


def find_originals(photos: Source) -> list[Original]:
    """The photos of a folder, of files and folders, of an array `(N, H, W, 3)`, or of a dataset of (L, ab).

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: There are no photos.
        TypeError: The photos are none of these.
    """
    if isinstance(photos, str | Path | list | tuple):
        return [Original(below.as_posix(), partial(open_rgb, path)) for path, below in find_photos_below(photos)]
    read: Callable[[Any, int], Image.Image] = _of_array if isinstance(photos, np.ndarray) else _of_sample
    if not isinstance(photos, Sized):
        raise TypeError(
            "photos to judge must be a folder, a list of paths, a uint8 array (N, H, W, 3) or a dataset of (L, ab) "
            f"with a length, not {type(photos).__name__}"
        )
    if not len(photos):
        raise DataError(f"{type(photos).__name__} is empty; there is nothing to judge")
    return [Original(str(index), partial(read, photos, index)) for index in range(len(photos))]


def find_outputs(folder: Path, originals: list[Original]) -> tuple[dict[str, Path], list[str]]:
    """The photos in a folder that are called like originals, whatever their suffixes.

    Returns:
        Their paths by the names of the originals, and the names of those that are called like none.

    Raises:
        FileNotFoundError: The folder does not exist.
        DataError: It holds no photos.
    """
    found = {below.as_posix(): path for path, below in find_photos_below(folder)}
    by_stem = {_stem(name): name for name in found}
    called = {name: name if name in found else by_stem.get(_stem(name)) for name, _ in originals}
    outputs = {name: found[its] for name, its in called.items() if its}
    return outputs, sorted(set(found) - set(called.values()))


def _of_array(photos: Any, index: int) -> Image.Image:
    return Image.fromarray(photos[index])


def _of_sample(data: Any, index: int) -> Image.Image:
    lightness, ab, *_ = data[index]
    return Image.fromarray(lab_to_rgb(torch.cat([lightness, ab]), dtype=torch.uint8).movedim(0, -1).numpy())


def _stem(name: str) -> str:
    return Path(name).with_suffix("").as_posix()

"""Reference photos, whose colours are wanted."""

import dataclasses
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from colorfuse.color import lab_to_rgb, rgb_to_lab
from colorfuse.data.monochrome import MIN_CHROMA, find_monochrome
from colorfuse.errors import PhotoError
from colorfuse.images import Photo, read_photo
from colorfuse.images.finding import find_photos
from colorfuse.inference.rendering import working_size
from colorfuse.options import Side, check_value

References: TypeAlias = Any
"""One reference photo as `predict` takes photos, several in a list, or a folder of them."""

_VIVID, _SOME = 15.0, 0.01
"""A photo of low mean chroma has colours if this share of its pixels has more chroma than that."""
_LEAST_SPREAD = 1.0
"""The least standard deviation of ab of a photo that has more than one colour."""


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """A reference photo at working size.

    Attributes:
        lab: `(3, h, w)` in CIELAB units.
        size: Height and width of the photo at full size.
    """

    lab: NDArray[np.float32]
    size: tuple[int, int]


def read_references(photos: References, side: int, window: int = 1) -> list[Reference]:
    """Read reference photos at about `side ** 2` pixels, the working size of a photo of their size.

    Raises:
        FileNotFoundError: There is no file at a path.
        DataError: A folder has no photos.
        PhotoError: There is none, or one cannot be read, is gray or toned, has a single colour, or is smaller than
            `window`.
        ValueError: `side` is below 32.
    """
    check_value(side, Side, "render_size", "a reference")
    if isinstance(photos, str | Path) and Path(photos).is_dir():
        photos = find_photos(Path(photos))
    listed = list(photos) if isinstance(photos, list | tuple) else [photos]
    if not listed:
        raise PhotoError("an empty list has no reference to take colours from")
    return [_checked(read_photo(each).on_white(), side, window) for each in listed]


def _checked(photo: Photo, side: int, window: int) -> Reference:
    height, width, _ = photo.pixels.shape
    if min(height, width) < window:
        raise PhotoError(
            f"{photo.name} has {width} x {height} pixels, and the system looks at windows of {window} x {window}; "
            "give a larger reference"
        )
    lab = _small_lab(photo, side)
    rgb = lab_to_rgb(lab, dtype=torch.uint8).movedim(0, -1).numpy()
    kind = find_monochrome(Image.fromarray(rgb), MIN_CHROMA)
    if kind == "gray" and (lab[1:].norm(dim=0) > _VIVID).float().mean() > _SOME:
        kind = None
    if kind != "gray" and lab[1:].flatten(1).std(dim=1, correction=0).max() < _LEAST_SPREAD:
        raise PhotoError(f"{photo.name} has a single colour; a reference must have those that are wanted")
    if kind:
        raise PhotoError(f"{photo.name} is {kind}; a reference must have the colours that are wanted")
    return Reference(lab.numpy(), (height, width))


def _small_lab(photo: Photo, side: int) -> Tensor:
    rgb = photo.rgb()[None]
    size = working_size(rgb.shape[-2], rgb.shape[-1], side)
    return rgb_to_lab(functional.interpolate(rgb, size, mode="bilinear", antialias=True).clamp(0, 1))[0]

"""Evaluation protocols: how photos are resized and cropped before they are evaluated."""

from collections.abc import Callable
from typing import TypeAlias

from PIL import Image

from colorfuse.registry import unknown_name

Protocol: TypeAlias = Callable[[Image.Image], Image.Image]

_SIDE = 256
_SMALL_SIDE = 224


def center256(image: Image.Image) -> Image.Image:
    """Resize the short side to 256 with Lanczos, keeping the aspect ratio, and crop the central 256 x 256 pixels."""
    scale = _SIDE / min(image.size)
    width, height = (max(_SIDE, round(side * scale)) for side in image.size)
    left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    return resized.crop((left, top, left + _SIDE, top + _SIDE))


def square256(image: Image.Image) -> Image.Image:
    """Resize the whole photo to 256 x 256 with Lanczos, whatever its aspect ratio."""
    return image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)


def square224(image: Image.Image) -> Image.Image:
    """Resize the whole photo to 224 x 224 with Lanczos, whatever its aspect ratio."""
    return image.resize((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.LANCZOS)


def native(image: Image.Image) -> Image.Image:
    """Return the photo unchanged."""
    return image


PROTOCOLS: dict[str, Protocol] = {
    "center256": center256,
    "square256": square256,
    "square224": square224,
    "native": native,
}
"""The protocols by name."""


def find_protocol(name: str) -> Protocol:
    """Look up a protocol by name.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]

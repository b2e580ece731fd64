"""At which size and from which part of a photo it is judged."""

from collections.abc import Callable
from typing import TypeAlias

from PIL import Image

from colorfuse.registry import unknown_name

Protocol: TypeAlias = Callable[[Image.Image], Image.Image]

_SIDE = 256


def center256(image: Image.Image) -> Image.Image:
    """The short side resized to 256 with Lanczos, the other in proportion, and the centre of 256 x 256 cut out."""
    scale = _SIDE / min(image.size)
    width, height = (max(_SIDE, round(side * scale)) for side in image.size)
    left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    return resized.crop((left, top, left + _SIDE, top + _SIDE))


def square256(image: Image.Image) -> Image.Image:
    """All of the photo resized to 256 x 256 with Lanczos, whatever its shape."""
    return image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)


def native(image: Image.Image) -> Image.Image:
    """The photo as it is."""
    return image


PROTOCOLS: dict[str, Protocol] = {"center256": center256, "square256": square256, "native": native}
"""What `protocol` may be."""


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]

"""What a file says of its photo beside the pixels."""

import math
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray
from PIL import ExifTags, Image

Array: TypeAlias = NDArray[Any]

_ORIENTATION = 274
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_COLOR_SPACE = 0xA001
_SRGB = 1
_OF_THE_FILE = (
    *range(254, 267),  # size, depth, compression, photometric interpretation
    *(273, *range(277, 282), 284, *range(288, 294), 297, 301),  # strips, planes, pages, transfer function
    *(*range(317, 326), 330, *range(332, 348), *range(512, 533)),  # predictor, tiles, inks, JPEG tables, YCbCr
    *(_ORIENTATION, 34675),  # and the ICC profile
)
"""Tags of how this file holds its pixels."""


@dataclass(frozen=True)
class Metadata:
    """Of a file; each has a default for where it says nothing."""

    orientation: int = 1
    exif: bytes = b""
    dpi: tuple[float, float] | None = None
    profile: bytes | None = None


def metadata_of(image: Image.Image, name: str) -> Metadata:
    """The metadata of an open image."""
    try:
        original = image.getexif()
        orientation = original.get(_ORIENTATION, 1)
        exif = _kept_exif(original) if original else b""
    except Exception as error:  # Pillow raises nearly anything for damaged EXIF, of which the photo is no worse
        warnings.warn(f"{name} has damaged EXIF, which is left out: {error}", stacklevel=2)
        orientation, exif = 1, b""
    return Metadata(orientation, exif, _dpi(image.info.get("dpi")), image.info.get("icc_profile"))


def upright(pixels: Array, orientation: int) -> Array:
    """Turn `(H, W, C)` as the EXIF orientation says; what is none of 2 to 8 leaves it."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _kept_exif(original: Image.Exif) -> bytes:
    """EXIF of upright pixels in sRGB."""
    exif = Image.Exif()
    exif.endian = original.endian  # of which a camera's own notes may make use
    for tag, value in original.items():
        if tag not in (*_OF_THE_FILE, *_DIRECTORIES):
            exif[tag] = value
    for directory in _DIRECTORIES:
        if details := dict(original.get_ifd(directory)):
            details.pop(ExifTags.IFD.Interop, None)
            exif[directory] = details | ({_COLOR_SPACE: _SRGB} if _COLOR_SPACE in details else {})
    return exif.tobytes() if len(exif) else b""


def _dpi(value: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(dots) for dots in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < math.inf and 0 < y < math.inf else None

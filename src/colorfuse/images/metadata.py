"""What a file says of its photo beside the pixels."""

import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray
from PIL import ExifTags, Image

Array: TypeAlias = NDArray[Any]

_ORIENTATION, _X_RESOLUTION = 274, 282
_DETAILS, _COLOR_SPACE, _WIDTH, _HEIGHT = 0x8769, 0xA001, 0xA002, 0xA003
_SRGB = 1
_EXIF_START = b"Exif\0\0"
_IMAGEMAGICKS = "Raw profile type exif"
"""Where ImageMagick and others write EXIF in PNG."""
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I"}
"""Types of values in EXIF, as struct packs them."""
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_OF_THE_FILE = (
    *range(254, 267),  # size, depth, compression, photometric interpretation
    *(273, *range(277, 282), 284, *range(288, 294), 297, 301),  # strips, planes, pages, transfer function
    *(*range(317, 326), 330, *range(332, 348), *range(512, 533)),  # predictor, tiles, inks, JPEG tables, YCbCr
    *(_ORIENTATION, 700, 34675),  # orientation, XMP, ICC profile
    *(34377, 37724),  # Photoshop's thumbnail and layers, of the photo before it was coloured
)
"""Tags of TIFF of how this file holds its pixels, and of what is kept elsewhere."""


@dataclass(frozen=True)
class Metadata:
    """What goes with a photo from file to file, for pixels that are upright and in sRGB.

    Attributes:
        exif: EXIF as bytes; empty if there is none.
        dpi: Dots per inch in x and y, or None.
        xmp: XMP as bytes; empty if there is none.
        comment: JPEG's comment, as many archives write their mark; empty if there is none.
    """

    exif: bytes = b""
    dpi: tuple[float, float] | None = None
    xmp: bytes = b""
    comment: bytes = b""


@dataclass(frozen=True)
class Coding:
    """How pixels are to be read: the EXIF orientation, and the ICC profile if there is one."""

    orientation: int = 1
    profile: bytes | None = None


def metadata_of(image: Image.Image, name: str) -> tuple[Metadata, Coding]:
    """What an open image says."""
    info = image.info
    exif, orientation, has_resolution = _exif_of(image, name)
    has_resolution |= info.get("jfif_unit") in (1, 2) or image.format in ("PNG", "BMP")  # else Pillow makes one up
    dpi = _dpi(info.get("dpi")) if has_resolution else None
    if dpi and orientation > 4:
        dpi = dpi[::-1]
    xmp = re.sub(rb'(tiff:Orientation(?:="|>))[1-8]', rb"\g<1>1", _as_bytes(info.get("xmp")))
    return (
        Metadata(exif, dpi, xmp, _as_bytes(info.get("comment")) if image.format in ("JPEG", "MPO") else b""),
        Coding(orientation, info.get("icc_profile")),
    )


def upright(pixels: Array, orientation: int) -> Array:
    """Turn `(H, W, C)` as the EXIF orientation says; what is none of 2 to 8 leaves it."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def exif_of_tags(tags: dict[int, Any]) -> bytes:
    """EXIF of TIFF's tags by number; what tells of the file itself is left out."""
    exif = Image.Exif()
    for tag, value in tags.items():
        if tag in _DIRECTORIES:
            details = dict(value)
            details.pop(ExifTags.IFD.Interop, None)
            exif[tag] = details | ({_COLOR_SPACE: _SRGB} if _COLOR_SPACE in details else {})
        elif tag not in _OF_THE_FILE:
            exif[tag] = as_written(value)
    return exif.tobytes() if len(exif) else b""


def as_int(value: Any, default: int) -> int:
    """The number that a tag holds, of whatever type it is written; the default where it holds none."""
    if isinstance(value, tuple | list | bytes):
        value = value[0] if len(value) else default
    try:
        return int(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return default


def as_written(value: Any) -> Any:
    """A value of EXIF that Pillow read, as it is to be given for writing.

    It reads text as Latin-1 whatever it is, and writes ASCII; bytes it writes as they are.
    """
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation of an open image; 1 where it has none, or none that can be read."""
    try:
        return _orientation(image, _load_exif(image))
    except Exception:  # which Pillow raises nearly any for
        return 1


def _load_exif(image: Image.Image) -> tuple[Image.Exif, bytes]:
    """EXIF as Pillow reads it, and as bytes where the file holds them in one piece."""
    raw = _as_bytes(image.info.get("exif"))
    if not raw and (text := image.info.get(_IMAGEMAGICKS)):  # as hexadecimal numbers below three lines
        raw = bytes.fromhex("".join(str(text).split("\n")[3:]))
    while raw[6:].startswith(_EXIF_START):  # written twice
        raw = raw[6:]
    if raw:
        exif = Image.Exif()
        exif.load(raw)
        return exif, raw
    # Asked for EXIF that is not there, Pillow decodes all pixels of a PNG to look behind them.
    return Image.Exif() if image.format == "PNG" else image.getexif(), b""


def _orientation(image: Image.Image, loaded: tuple[Image.Exif, bytes]) -> int:
    exif, raw = loaded
    # Without EXIF, Pillow takes the orientation of XMP, which other programs do not turn photos by.
    return as_int(exif.get(_ORIENTATION), 1) if raw or image.format in ("TIFF", None) else 1


def _exif_of(image: Image.Image, name: str) -> tuple[bytes, int, bool]:
    """EXIF for upright pixels, the orientation that it had, and whether it has a resolution."""
    orientation = 1
    try:
        loaded = exif, raw = _load_exif(image)
        orientation = _orientation(image, loaded)
        if raw:
            kept = _for_upright_pixels(raw, image.size, orientation)
        else:
            directories = {tag: found for tag in _DIRECTORIES if (found := exif.get_ifd(tag))}
            kept = exif_of_tags({tag: exif[tag] for tag in exif if tag not in _DIRECTORIES} | directories)
        return kept, orientation, _X_RESOLUTION in exif
    except Exception as error:  # Pillow raises nearly anything for damaged EXIF, of which the photo is no worse
        warnings.warn(f"{name} has damaged EXIF, which is left out: {error}", stacklevel=2)
        return b"", orientation, False


def _for_upright_pixels(exif: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """EXIF with orientation, size and colour space of the new pixels, and without a thumbnail of the old.

    Values are changed in their places, since cameras' own notes point to places in the whole.
    """
    data = bytearray(exif.removeprefix(_EXIF_START))
    order = "<" if data[:2] == b"II" else ">"
    width, height = size[::-1] if orientation > 4 else size
    new = {_ORIENTATION: 1, _COLOR_SPACE: _SRGB, _WIDTH: width, _HEIGHT: height}
    offsets = [*struct.unpack_from(order + "I", data, 4)]
    end = 0
    for offset in offsets:
        (count,) = struct.unpack_from(order + "H", data, offset)
        end = end or offset + 2 + 12 * count
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(order + "HHI", data, entry)
            if tag == _DETAILS and len(offsets) == 1:
                offsets += struct.unpack_from(order + "I", data, entry + 8)
            if tag in new and kind in _WHOLE_NUMBERS:
                struct.pack_into(order + _WHOLE_NUMBERS[kind], data, entry + 8, new[tag])
    data[end : end + 4] = bytes(4)  # where the directory of the thumbnail would be
    return b"Exif\0\0" + bytes(data)


def _dpi(value: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(dots) for dots in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 1 <= x <= 65535 and 1 <= y <= 65535 else None


def _as_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")

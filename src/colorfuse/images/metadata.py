"""Metadata of photos: EXIF, XMP, IPTC, texts, resolution, orientation and ICC profile."""

import contextlib
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray
from PIL import ExifTags, Image

Array: TypeAlias = NDArray[Any]

_ORIENTATION, _X_RESOLUTION = 274, 282
_DETAILS, _COLOR_SPACE, _WIDTH, _HEIGHT = 0x8769, 0xA001, 0xA002, 0xA003
_SRGB = 1
_EXIF_START = b"Exif\0\0"
_IMAGEMAGICKS = "Raw profile type exif"
"""PNG text chunk in which ImageMagick and others store EXIF."""
_OTHER_TEXTS = "XML:com.adobe.xmp", "Raw profile"
"""Keywords of the text chunks of PNG that hold XMP, and what ImageMagick stores."""
_IPTC = 0x0404
"""Photoshop's number of the resource with IPTC, in JPEGs."""
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I"}
"""Integer types of EXIF values, with their struct codes."""
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_OF_THE_FILE = (
    *range(254, 267),  # size, depth, compression, photometric interpretation
    *(273, *range(277, 282), 284, *range(288, 294), 297, 301),  # strips, planes, pages, transfer function
    *(*range(317, 326), 330, *range(332, 348), *range(512, 533)),  # predictor, tiles, inks, JPEG tables, YCbCr
    *(_ORIENTATION, 700, 34675),  # orientation, XMP, ICC profile
    *(34377, 37724),  # Photoshop's thumbnail and layers, which show the gray photo
)
"""TIFF tags that describe the pixel layout of the source file, or whose content is kept elsewhere."""


@dataclass(frozen=True)
class Metadata:
    """Metadata to copy to the coloured file, adjusted to upright sRGB pixels.

    Attributes:
        exif: EXIF as bytes; empty if there is none.
        dpi: Dots per inch in x and y, or None.
        xmp: XMP as bytes; empty if there is none.
        comment: The JPEG comment, in which many archives put their mark, or that of a PNG; empty if there is none.
        iptc: IPTC-IIM, in which news and archives put captions, of a JPEG; that of a TIFF is among its EXIF.
        texts: The other texts of a PNG, by keyword.
    """

    exif: bytes = b""
    dpi: tuple[float, float] | None = None
    xmp: bytes = b""
    comment: bytes = b""
    iptc: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Coding:
    """How to interpret the pixels: the EXIF orientation, and the ICC profile if there is one."""

    orientation: int = 1
    profile: bytes | None = None


def metadata_of(image: Image.Image, name: str) -> tuple[Metadata, Coding]:
    """Read the metadata of an open image."""
    info = image.info
    exif, orientation, has_resolution = _exif_of(image, name)
    has_resolution |= info.get("jfif_unit") in (1, 2) or image.format in ("PNG", "BMP")  # else Pillow invents one
    dpi = dots_per_inch(info.get("dpi"), orientation) if has_resolution else None
    xmp = re.sub(rb'(tiff:Orientation(?:="|>))[1-8]', rb"\g<1>1", _as_bytes(info.get("xmp")))
    is_jpeg, texts = image.format in ("JPEG", "MPO"), _texts_of(image)
    comment = _as_bytes(info.get("comment")) if is_jpeg else b""
    if "Comment" in texts:
        with contextlib.suppress(UnicodeEncodeError):  # such a comment stays among the texts
            comment = texts["Comment"].encode("latin-1")
            del texts["Comment"]
    iptc = _as_bytes(info.get("photoshop", {}).get(_IPTC)) if is_jpeg else b""
    return Metadata(exif, dpi, xmp, comment, iptc, texts), Coding(orientation, info.get("icc_profile"))


def _texts_of(image: Image.Image) -> dict[str, str]:
    """The text chunks of a PNG, but for those with other metadata."""
    if image.format != "PNG":
        return {}
    texts = {str(name): value for name, value in image.info.items() if isinstance(value, str)}
    return {name: value for name, value in texts.items() if not name.startswith(_OTHER_TEXTS)}


def upright(pixels: Array, orientation: int) -> Array:
    """Rotate and flip `(H, W, C)` by its EXIF orientation; values other than 2 to 8 change nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def exif_of_tags(tags: dict[int, Any]) -> bytes:
    """Build EXIF from TIFF tags by number, without those that describe the file itself."""
    exif = Image.Exif()
    for tag, value in tags.items():
        if tag in _DIRECTORIES:
            details = {name: as_written(its) for name, its in value.items()}
            for dropped in (ExifTags.IFD.Interop, _WIDTH, _HEIGHT):  # sizes of what may have been turned
                details.pop(dropped, None)
            exif[tag] = details | ({_COLOR_SPACE: _SRGB} if _COLOR_SPACE in details else {})
        elif tag not in _OF_THE_FILE:
            exif[tag] = as_written(value)
    return exif.tobytes() if len(exif) else b""


def as_int(value: Any, default: int) -> int:
    """Convert a tag's value of any type to an integer, or return the default if that fails."""
    if isinstance(value, tuple | list | bytes):
        value = value[0] if len(value) else default
    try:
        return int(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return default


def as_written(value: Any) -> Any:
    """Convert an EXIF value read by Pillow to one that Pillow writes back unchanged.

    Pillow reads any text as Latin-1 but writes text as ASCII. It writes bytes as they are.
    """
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def orientation_of(image: Image.Image) -> int:
    """Read the EXIF orientation of an open image; 1 if it is missing or unreadable."""
    try:
        return _orientation(image, _load_exif(image))
    except Exception:  # Pillow raises almost anything for damaged EXIF
        return 1


def _load_exif(image: Image.Image) -> tuple[Image.Exif, bytes]:
    """Load EXIF as parsed by Pillow, and as raw bytes if the file stores it as one block."""
    raw = _as_bytes(image.info.get("exif"))
    if not raw and (text := image.info.get(_IMAGEMAGICKS)):  # hexadecimal, after three header lines
        raw = bytes.fromhex("".join(str(text).split("\n")[3:]))
    while raw[6:].startswith(_EXIF_START):  # written twice
        raw = raw[6:]
    if raw:
        exif = Image.Exif()
        exif.load(raw)
        return exif, raw
    # For a PNG without EXIF, getexif would decode all pixels to look for it after them.
    return Image.Exif() if image.format == "PNG" else image.getexif(), b""


def _orientation(image: Image.Image, loaded: tuple[Image.Exif, bytes]) -> int:
    exif, raw = loaded
    # Without EXIF, Pillow falls back to the orientation in XMP, which other programs ignore.
    return as_int(exif.get(_ORIENTATION), 1) if raw or image.format in ("TIFF", None) else 1


def _exif_of(image: Image.Image, name: str) -> tuple[bytes, int, bool]:
    """Read EXIF adjusted to upright pixels, the original orientation, and whether EXIF has a resolution."""
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
    except Exception as error:  # Pillow raises almost anything for damaged EXIF; the pixels are still good
        warnings.warn(f"{name} has damaged EXIF, which is left out: {error}", stacklevel=2)
        return b"", orientation, False


def _for_upright_pixels(exif: bytes, size: tuple[int, int], orientation: int) -> bytes:
    """Set orientation, size and colour space in EXIF to those of the new pixels, and drop the thumbnail.

    Values are changed in place, since offsets in cameras' maker notes must stay valid.
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
    data[end : end + 4] = bytes(4)  # no next IFD, which would be that of the thumbnail
    return b"Exif\0\0" + bytes(data)


def dots_per_inch(value: Any, orientation: int) -> tuple[float, float] | None:
    """Dots per inch in x and y of the upright photo; None if they are missing or absurd."""
    try:
        x, y = (float(dots) for dots in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (1 <= x <= 65535 and 1 <= y <= 65535):
        return None
    return (y, x) if orientation > 4 else (x, y)


def _as_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")

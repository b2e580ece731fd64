"""Decoding of image files.

Pillow decodes most files. It would reduce PNG and TIFF of more than 8 bits to 8, so other decoders read these.
"""

import struct
from collections.abc import Callable
from typing import IO

import imagecodecs
import numpy as np
from PIL import UnidentifiedImageError

from colorfuse.errors import PhotoError
from colorfuse.images.decoded import Array, Decoded, in_range, split_alpha
from colorfuse.images.metadata import Coding, Metadata, metadata_of
from colorfuse.images.opening import check_size, open_image
from colorfuse.images.pil_images import count_frames, decode_image, seek_page
from colorfuse.images.tiff import decode_tiff, is_tiff, tiff_page_numbers


def _decode_bmp(content: bytes) -> Array:
    """Decode BMP variants that Pillow does not support, except more than 8 bits per channel, decoded wrongly here."""
    compression, *masks = struct.unpack_from("<I20xIII", content, 30)
    if compression == _BITFIELDS and max(mask.bit_count() for mask in masks) > 8:
        raise ValueError("its channels have more than 8 bits")
    values: Array = imagecodecs.bmp_decode(content)
    return values


def _decode_jpeg(content: bytes) -> Array:
    """Decode JPEG of more than 8 bits, and lossless JPEG, which Pillow does not support."""
    values: Array = imagecodecs.jpeg_decode(content)
    if values.dtype != np.uint16:
        return values
    return np.rint(values * np.float32(65535 / (2 ** _jpeg_precision(content) - 1))).astype(np.uint16)


def _jpeg_precision(content: bytes) -> int:
    """The bits of a value, which the header of a frame tells.

    Raises:
        ValueError: There is no such header.
    """
    place = 2
    while place + 4 < len(content):
        marker = content[place + 1]
        if marker in _JPEG_FRAMES:
            return content[place + 4]
        is_fill = marker == 0xFF  # any number of them may precede a marker
        place += 1 if is_fill else 2 + int.from_bytes(content[place + 2 : place + 4])
    raise ValueError("it has no header of a frame")


_OTHERWISE: dict[bytes, Callable[[bytes], Array]] = {
    b"\x89PNG": imagecodecs.png_decode,
    b"BM": _decode_bmp,
    b"\xff\xd8\xff": _decode_jpeg,
    b"\0\0\0\x0cjP  ": imagecodecs.jpeg2k_decode,
}
"""Fallback decoders for formats that Pillow supports only in part, by the first bytes of their files."""

_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
"""Chunks of PNG that hold EXIF or texts."""
_DATES = b"date:"
"""How texts of PNG begin that ImageMagick writes behind the pixels of every file."""

_BITFIELDS = 3
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers SOF0 to SOF15; those left out start tables."""
_PNG_START, _PNG_BIT_DEPTH = b"\x89PNG\r\n\x1a\n", 24


def decode_file(file: IO[bytes], name: str, page: int | None = None, max_pixels: int | None = None) -> Decoded:
    """Decode an open, seekable file.

    Raises:
        UnidentifiedImageError: The file is not an image.
        PhotoError: There is no such page, or it has more than `max_pixels`.
        MemoryError: There is too little memory to colour the photo.
        Exception: Any kind, if the file is damaged.
    """
    file.seek(0)
    start = file.read(_PNG_BIT_DEPTH + 1)
    if is_tiff(start):
        return decode_tiff(file, name, page, max_pixels)
    try:
        with open_image(file) as image:
            seek_page(image, name, page)
            check_size(file, image.height, image.width, name, max_pixels)
            if start.startswith(_PNG_START) and start[_PNG_BIT_DEPTH] == 16 and not page:
                if _has_late_metadata(file):
                    image.load()  # makes Pillow read the chunks after the pixels
                return _decode_png(file, *metadata_of(image, name))
            return decode_image(image, name)
    except (PhotoError, MemoryError):
        raise
    except Exception as error:
        decode = next((decode for begun, decode in _OTHERWISE.items() if start.startswith(begun)), None)
        damaged = decode is _decode_jpeg and not isinstance(error, UnidentifiedImageError)
        if decode is None or damaged or page:
            raise
        return _decode_otherwise(file, decode, name, max_pixels)


def page_numbers(file: IO[bytes]) -> list[int]:
    """List the page numbers, from 0 on, of the pages of an open file that are photos in their own right.

    Raises:
        Exception: Any kind, if the file cannot be read.
    """
    file.seek(0)
    if is_tiff(file.read(_PNG_BIT_DEPTH + 1)):
        return tiff_page_numbers(file)
    with open_image(file) as image:
        return list(range(count_frames(image)))


def _has_late_metadata(file: IO[bytes]) -> bool:
    """Whether a PNG has EXIF or texts after its pixels, but for the dates of files."""
    place, behind = len(_PNG_START), False
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return False
        behind |= head[4:] == b"IDAT"
        if behind and head[4:] in _METADATA and not file.read(len(_DATES)).startswith(_DATES):
            return True
        place += 12 + int.from_bytes(head[:4], "big")


def _decode_otherwise(
    file: IO[bytes], decode: Callable[[bytes], Array], name: str, max_pixels: int | None
) -> Decoded:
    """Decode a file that Pillow rejects, perhaps only for a broken ancillary chunk, without its metadata."""
    file.seek(0)
    content = file.read()
    if content[:4] == b"\x89PNG":
        width, height = struct.unpack_from(">II", content, 16)
        check_size(file, height, width, name, max_pixels)
    values = in_range(decode(content), 8, name)
    check_size(file, values.shape[0], values.shape[1], name, max_pixels)
    gray = values.ndim == 2 or values.shape[-1] <= 2
    return split_alpha(values, "gray" if gray else "rgb", Metadata(), Coding())


def _decode_png(file: IO[bytes], metadata: Metadata, coding: Coding) -> Decoded:
    file.seek(0)
    values = imagecodecs.png_decode(file.read())
    gray = values.ndim == 2 or values.shape[-1] == 2
    return split_alpha(values, "gray" if gray else "rgb", metadata, coding)

"""From a file's bytes to its values.

Pillow decodes, but PNG and TIFF of more than 8 bits, which it would cut to 8 as it does those of other formats.
"""

from typing import IO

import imagecodecs

from colorfuse.images.decoded import Decoded, split_alpha
from colorfuse.images.metadata import Coding, Metadata, metadata_of
from colorfuse.images.opening import check_size, open_image
from colorfuse.images.pil_images import count_frames, decode_image, seek_page
from colorfuse.images.tiff import decode_tiff, is_tiff, tiff_page_numbers

_PNG_START, _PNG_BIT_DEPTH = b"\x89PNG\r\n\x1a\n", 24


def decode_file(file: IO[bytes], name: str, page: int | None = None, max_pixels: int | None = None) -> Decoded:
    """Decode an open file that can be sought in.

    Raises:
        UnidentifiedImageError: It is no image.
        PhotoError: There is no such page, or it has more than `max_pixels`.
        MemoryError: It is too large for the memory to be coloured in.
        Exception: Anything, for a damaged one.
    """
    file.seek(0)
    start = file.read(_PNG_BIT_DEPTH + 1)
    if is_tiff(start):
        return decode_tiff(file, name, page, max_pixels)
    with open_image(file) as image:
        seek_page(image, name, page)
        check_size(file, image.height, image.width, name, max_pixels)
        if start.startswith(_PNG_START) and start[_PNG_BIT_DEPTH] == 16:
            return _decode_png(file, *metadata_of(image, name))
        return decode_image(image, name)


def page_numbers(file: IO[bytes]) -> list[int]:
    """The numbers of the pages of an open file that are photos of their own, from 0 on.

    Raises:
        Exception: Anything, for a file that cannot be read.
    """
    file.seek(0)
    if is_tiff(file.read(_PNG_BIT_DEPTH + 1)):
        return tiff_page_numbers(file)
    with open_image(file) as image:
        return list(range(count_frames(image)))


def _decode_png(file: IO[bytes], metadata: Metadata, coding: Coding) -> Decoded:
    file.seek(0)
    values = imagecodecs.png_decode(file.read())
    gray = values.ndim == 2 or values.shape[-1] == 2
    return split_alpha(values, "gray" if gray else "rgb", metadata, coding)

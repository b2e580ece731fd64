"""Opening of image files with Pillow."""

import contextlib
import io
import math
import struct
import threading
from collections.abc import Callable, Iterator
from typing import IO

from PIL import Image, UnidentifiedImageError

from colorfuse.errors import PhotoError
from colorfuse.memory import check_memory

_LIFTING = threading.Lock()
_PREFIX = 16
_PROGRAMS = ("EPS", "WMF", "MPEG", "GRIB", "BUFR", "HDF5")
"""Formats to refuse: programs that Ghostscript would run, and formats that need an external handler."""
_PIXELS_A_BYTE = 10_000
"""Pixels per byte of file size, more than any compression reaches for a photo."""
_NOT_THIS_FORMAT = (SyntaxError, IndexError, TypeError, struct.error)


def open_image(file: IO[bytes]) -> Image.Image:
    """Open an image like `Image.open`, but without Pillow's limit on the number of pixels.

    Raises:
        UnidentifiedImageError: No Pillow plug-in knows the format.
    """
    for initialize in (Image.preinit, Image.init):
        initialize()
        file.seek(0)
        prefix = file.read(_PREFIX)
        for name in Image.ID:
            if name in _PROGRAMS:
                continue
            factory, accepts = Image.OPEN[name]
            with contextlib.suppress(*_NOT_THIS_FORMAT):
                accepted = accepts is None or accepts(prefix)
                if accepted and not isinstance(accepted, str):  # a string says why not
                    return _opened(factory, file)
    raise UnidentifiedImageError("no plug-in of Pillow's knows the format")


def check_size(file: IO[bytes], height: int, width: int, name: str, max_pixels: int | None) -> None:
    """Check that a photo has at most `max_pixels`, and that there is memory to colour it.

    Raises:
        PhotoError: It has more than `max_pixels`, or more than its file can hold; the message begins with `name`.
        MemoryError: There is too little memory to colour it.
    """
    if max_pixels is not None and height * width > max_pixels:
        raise PhotoError(f"{name} has {width} x {height} pixels, more than max_pixels={max_pixels}")
    try:
        check_memory(height, width, name)
    except MemoryError:
        size = file.seek(0, io.SEEK_END)
        if height * width > _PIXELS_A_BYTE * size:
            raise PhotoError(f"{name} is damaged: it claims {width} x {height} pixels in {size} bytes") from None
        raise


@contextlib.contextmanager
def without_pillows_limit(image_size: tuple[int, int]) -> Iterator[None]:
    """Lift Pillow's limit on the number of pixels within a block, if an image of this size exceeds it.

    The limit is global to all threads. So it is lifted only for such images, one at a time.
    """
    if Image.MAX_IMAGE_PIXELS is None or math.prod(image_size) <= Image.MAX_IMAGE_PIXELS:
        yield
    else:
        with _limit_lifted():
            yield


def _opened(factory: Callable[[IO[bytes], str], Image.Image], file: IO[bytes]) -> Image.Image:
    file.seek(0)
    try:
        return factory(file, "")
    except Image.DecompressionBombError:  # some plug-ins check the limit themselves
        with _limit_lifted():
            file.seek(0)
            return factory(file, "")


@contextlib.contextmanager
def _limit_lifted() -> Iterator[None]:
    with _LIFTING:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit

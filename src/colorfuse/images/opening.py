"""Files opened by Pillow."""

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
"""Formats that are no images but programs, which Ghostscript would run, or that take a program of their own."""
_PIXELS_A_BYTE = 10_000
"""More than any compression makes of a photo."""
_NOT_THIS_FORMAT = (SyntaxError, IndexError, TypeError, struct.error)


def open_image(file: IO[bytes]) -> Image.Image:
    """Open an image as `Image.open` does, but for its limit of pixels: what memory holds can be read.

    Raises:
        UnidentifiedImageError: No plug-in of Pillow's knows the format.
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
                if accepts is None or accepts(prefix) is True:
                    return _opened(factory, file)
    raise UnidentifiedImageError("no plug-in of Pillow's knows the format")


def check_size(file: IO[bytes], height: int, width: int, name: str, max_pixels: int | None) -> None:
    """Check that a photo has no more pixels than its reader allows, and than there is memory for.

    Raises:
        PhotoError: It has more than is allowed, or more than its file can hold; the error begins with `name`.
        MemoryError: It is too large for the memory to be coloured in.
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
    """A block in which Pillow decodes an image of this size although it is beyond its limit.

    The limit is Pillow's for all threads, so it is lifted for such images alone, one at a time.
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
    except Image.DecompressionBombError:  # which some formats raise by themselves
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

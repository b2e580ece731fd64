"""Reading of photos and their hints in batches."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from colorfuse.hints import HintSource, read_hints
from colorfuse.images import Photo, PhotoSource, read_photo
from colorfuse.inference.scaling import Hinted

_PIXELS_AT_ONCE = 1 << 25
_ONE = (Photo, str, bytes, bytearray, memoryview, os.PathLike, Image.Image, np.ndarray, Tensor)
"""Types that are a single photo, or meant as one, although some are iterable."""


def is_stream(photos: Any) -> bool:
    """Whether this is an iterable of photos, rather than one photo that is iterable, such as a file or an array."""
    one = isinstance(photos, _ONE) or hasattr(photos, "read")
    return isinstance(photos, Iterable) and not one


def read_batches(
    sources: Iterable[tuple[PhotoSource, HintSource | None]], most: int
) -> Iterator[list[tuple[PhotoSource, Hinted | Exception]]]:
    """Read sources in batches of (source, photo or error), of up to `most`; fewer if the photos are large.

    If `sources` raises an error, what was read before it comes first.
    """
    batch: list[tuple[PhotoSource, Hinted | Exception]] = []
    pixels = 0
    try:
        for source, hints in sources:
            read = _read(source, hints)
            batch.append((source, read))
            pixels += read.photo.pixels.size if isinstance(read, Hinted) else 0
            if len(batch) == most or pixels >= _PIXELS_AT_ONCE:
                yield batch
                batch, pixels = [], 0
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _read(source: PhotoSource, hints: HintSource | None) -> Hinted | Exception:
    """Read a photo and its hints, or return the error that prevented it."""
    try:
        photo = read_photo(source)
        return Hinted(photo, None if hints is None else read_hints(hints, photo))
    except (OSError, MemoryError, TypeError, ValueError) as error:
        return error

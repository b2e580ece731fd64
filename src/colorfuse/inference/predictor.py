"""Colouring of photos, one by one or in batches."""

import math
import numbers
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorfuse.images import Photo, PhotoSource, Pixels, read_photo
from colorfuse.inference.rendering import RenderAb, Rendered, render_checked, to_render_size, working_size
from colorfuse.inference.upsampling import find_upsampling
from colorfuse.memory import available_memory, memory_for
from colorfuse.options import Side, check_value

_PIXELS_AT_ONCE = 1 << 25
_BYTES_A_RENDERED_PIXEL = 256
"""Approximate memory of a network per pixel that it works on."""
_ONE = (Photo, str, bytes, bytearray, memoryview, os.PathLike, Image.Image, np.ndarray, Tensor)
"""Types that are a single photo, or meant as one, although some are iterable."""

_ENOUGH = 1024
"""With fewer pixels than this, a gray photo may be all black and white by chance."""
_MAX_SATURATION = 100.0


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


class Outcome(NamedTuple):
    """A photo as it was given, and its coloured pixels or the error that it raised."""

    source: PhotoSource
    result: Pixels | Exception


class Predictor:
    """Colours photos with a system that predicts colours at its working size.

    Args:
        render_ab: The system.
        render_size: Photos are resized to about `render_size ** 2` pixels for it.
        upsample: How colours are upsampled to the photo's size: a name from `UPSAMPLINGS`.
        saturation: A factor for ab.
        batch_size: How many photos of a stream to render together; those of equal working size form a batch.

    Raises:
        ValueError: An option is unknown or out of range.
    """

    def __init__(
        self, render_ab: RenderAb, render_size: int, upsample: str, saturation: float = 1.0, batch_size: int = 1
    ) -> None:
        if not _is_number(saturation) or not 0 <= saturation <= _MAX_SATURATION:
            raise ValueError(f"saturation must be a number from 0 to {_MAX_SATURATION:g}, not {saturation}")
        check_value(render_size, Side, "render_size", "a prediction")
        self.render_ab = render_ab
        self.render_size = int(render_size)
        self.upsampling = find_upsampling(upsample)
        self.saturation = float(saturation)
        self.batch_size = batch_size

    def outcomes(self, sources: Iterable[PhotoSource]) -> Iterator[Outcome]:
        """Read and colour photos in order; if one fails, its outcome holds the error."""
        for batch in _batches(sources, self.batch_size):
            photos = [photo for _, photo in batch if isinstance(photo, Photo)]
            colored = iter(self._predict_each(photos))
            for source, photo in batch:
                yield Outcome(source, next(colored) if isinstance(photo, Photo) else photo)

    def _predict_each(self, photos: list[Photo]) -> list[Pixels | Exception]:
        try:
            return [*self.predict(photos)] if photos else []
        except Exception as error:
            if len(photos) == 1:
                return [error]
            return [outcome for photo in photos for outcome in self._predict_each([photo])]

    def predict(self, photos: Sequence[Photo]) -> list[Pixels]:
        """Colour photos; those of equal working size form a batch."""
        largest = max(photos, key=lambda photo: photo.pixels.size)
        height, width, _ = largest.pixels.shape
        check_render_memory(height, width, self.render_size)
        with memory_for(height, width, largest.name):
            whole = [photo.lightness() for photo in photos]
            rendered = self._render([to_render_size(lightness[None], self.render_size) for lightness in whole])
            return list(map(self._finish, photos, whole, rendered))

    def _render(self, small: list[Tensor]) -> list[Rendered]:
        of_size: dict[torch.Size, list[int]] = {}
        for index, lightness in enumerate(small):
            of_size.setdefault(lightness.shape, []).append(index)
        results: dict[int, Rendered] = {}
        for indices in of_size.values():
            batch = render_checked(self.render_ab, torch.cat([small[index] for index in indices]))
            results |= dict(zip(indices, map(Rendered, batch.ab.split(1), batch.lightness.split(1)), strict=True))
        return [results[index] for index in range(len(small))]

    def _finish(self, photo: Photo, lightness: Tensor, rendered: Rendered) -> Pixels:
        if _is_black_and_white(lightness):
            warnings.warn(
                f"{photo.name} stays without colour, since all of it is black or white; scan it in gray", stacklevel=4
            )
        rows = self.upsampling(self.saturation * rendered.ab, rendered.lightness, len(photo.pixels))
        return photo.colored(lightness, lambda some, top: rows(some[None], top)[0])


def check_render_memory(height: int, width: int, render_size: int) -> None:
    """Check that there is memory to render a photo at `render_size`, apart from the memory for the photo itself.

    Raises:
        MemoryError: There is too little.
    """
    pixels = math.prod(working_size(height, width, render_size))
    if pixels * _BYTES_A_RENDERED_PIXEL > available_memory():
        raise MemoryError(
            f"render_size={render_size} takes about {pixels * _BYTES_A_RENDERED_PIXEL / 2**30:.1f} GiB of memory, of "
            f"which {available_memory() / 2**30:.1f} are free; lower it"
        )


def _is_black_and_white(lightness: Tensor) -> bool:
    """Whether a photo is black and white only, as halftones and 1-bit scans are."""
    some = lightness[:, :: max(1, lightness.shape[1] // 64), :: max(1, lightness.shape[2] // 64)]
    for values in (some, lightness):
        dark, light = (values < 1).sum().item(), (values > 99).sum().item()
        if values.numel() < _ENOUGH or dark + light < values.numel() or not dark or not light:
            return False
    return True


def is_stream(photos: Any) -> bool:
    """Whether this is an iterable of photos, rather than one photo that is iterable, such as a file or an array."""
    one = isinstance(photos, _ONE) or hasattr(photos, "read")
    return isinstance(photos, Iterable) and not one


def _batches(sources: Iterable[PhotoSource], most: int) -> Iterator[list[tuple[PhotoSource, Photo | Exception]]]:
    """Read sources in batches of (source, photo or error), of up to `most`; fewer if the photos are large."""
    batch: list[tuple[PhotoSource, Photo | Exception]] = []
    pixels = 0
    for source in sources:
        photo = _read(source)
        batch.append((source, photo))
        pixels += photo.pixels.size if isinstance(photo, Photo) else 0
        if len(batch) == most or pixels >= _PIXELS_AT_ONCE:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _read(source: PhotoSource) -> Photo | Exception:
    try:
        return read_photo(source)
    except (OSError, MemoryError, TypeError, ValueError) as error:
        return error

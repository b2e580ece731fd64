"""Photos coloured: some together where that is faster, and those of a stream in their order."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorfuse.images import Photo, PhotoSource, Pixels, read_photo
from colorfuse.memory import memory_for
from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective
from colorfuse.options import Side, check_value
from colorfuse.prediction import Seen, see_checked, to_seen_size
from colorfuse.upsampling import find_upsampling

_AT_ONCE = 8
_PIXELS_AT_ONCE = 1 << 25
_MOST_SATURATED = 100.0


class Painter:
    """Colours photos by what a network sees in them.

    Args:
        network: Gives planes of lightness.
        objective: Reads planes as ab.
        render_size: The network sees about this number squared pixels of each photo.
        upsample: How colours are brought to a photo's size: a name from `UPSAMPLINGS`.
        saturation: A factor of ab.
        at_once: How many photos of a stream go through the network together, those of the same size in one batch;
            None for one at a time on the CPU, where a batch takes longer than its photos, and for 8 elsewhere.

    Raises:
        ValueError: An option is unknown or out of range.
    """

    def __init__(
        self,
        network: FusionNetwork,
        objective: Objective,
        render_size: int,
        upsample: str,
        saturation: float,
        at_once: int | None = None,
    ) -> None:
        if not 0 <= saturation <= _MOST_SATURATED:
            raise ValueError(f"saturation must be a number from 0 to {_MOST_SATURATED:g}, not {saturation}")
        check_value(render_size, Side, "render_size", "a prediction")
        self.network = network
        self.objective = objective
        self.render_size = render_size
        self.upsampling = find_upsampling(upsample)
        self.saturation = saturation
        on_cpu = next(network.parameters()).device.type == "cpu"
        self.at_once = at_once or (1 if on_cpu else _AT_ONCE)

    def stream(self, sources: Iterable[PhotoSource]) -> Iterator[Pixels]:
        """Read photos and colour them, in their order; an error comes in the place of the photo that it is of."""
        for photos in _windows(map(read_photo, sources), self.at_once):
            yield from self.paint(photos)

    def paint(self, photos: Sequence[Photo]) -> list[Pixels]:
        """Colour photos, those that the network sees at the same size in one batch."""
        height, width, _ = max((photo.pixels.shape for photo in photos), key=math.prod)
        with memory_for(height, width, "a photo"):
            whole = [photo.lightness() for photo in photos]
            seen = self._see([to_seen_size(lightness[None], self.render_size) for lightness in whole])
            return list(map(self._finish, photos, whole, seen))

    def _see(self, shown: list[Tensor]) -> list[Seen]:
        alike: dict[torch.Size, list[int]] = {}
        for index, lightness in enumerate(shown):
            alike.setdefault(lightness.shape, []).append(index)
        sights: dict[int, Seen] = {}
        for indices in alike.values():
            seen = see_checked(self.network, self.objective, torch.cat([shown[index] for index in indices]))
            sights |= dict(zip(indices, map(Seen, seen.ab.split(1), seen.lightness.split(1)), strict=True))
        return [sights[index] for index in range(len(shown))]

    def _finish(self, photo: Photo, lightness: Tensor, seen: Seen) -> Pixels:
        rows = self.upsampling(self.saturation * seen.ab, seen.lightness, len(photo.pixels))
        return photo.colored(lightness, lambda some, top: rows(some[None], top)[0])


def is_stream(photos: Any) -> bool:
    """Whether these are photos one after another, and not one, which may well be iterable: a file, an array."""
    one = isinstance(photos, Photo | str | os.PathLike | Image.Image | np.ndarray | Tensor) or hasattr(photos, "read")
    return isinstance(photos, Iterable) and not one


def _windows(photos: Iterable[Photo], most: int) -> Iterator[list[Photo]]:
    """Photos in runs of up to `most`, of fewer where they are large; an error comes after the photos before it."""
    window: list[Photo] = []
    try:
        for photo in photos:
            window.append(photo)
            if len(window) == most or sum(each.pixels.size for each in window) >= _PIXELS_AT_ONCE:
                yield window
                window = []
    except Exception:
        if window:
            yield window
        raise
    if window:
        yield window

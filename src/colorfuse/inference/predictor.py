"""Colouring of photos, one by one or in batches."""

import contextlib
import copy
import math
import numbers
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from colorfuse.hints import HintSource
from colorfuse.images import Photo, PhotoSource, Pixels
from colorfuse.inference.batches import read_batches
from colorfuse.inference.obeying import exactly, obeying
from colorfuse.inference.on_device import OnDevice
from colorfuse.inference.rendering import (
    RenderAb,
    Rendered,
    photo_to_render_size,
    render_checked,
    working_size,
)
from colorfuse.inference.scaling import Hinted, Scaled, stack_hints
from colorfuse.inference.upsampling import color_photo, find_upsampling
from colorfuse.memory import available_memory, memory_for
from colorfuse.options import Side, check_value

_ENOUGH = 1024
"""With fewer pixels than this, a gray photo may be all black and white by chance."""
_MAX_SATURATION = 100.0
_BATCH_ON_DEVICE = 8
"""Photos of a stream in a batch. It may wait for each before it gives the next, which only a GPU is worth."""


def _checked(saturation: Any) -> float:
    if not isinstance(saturation, numbers.Real) or not 0 <= float(saturation) <= _MAX_SATURATION:
        raise ValueError(f"saturation must be a number from 0 to {_MAX_SATURATION:g}, not {saturation}")
    return float(saturation)


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
        weighs_opacity: Whether the system weighs marks by their opacity; for others, all marks are opaque.
        bytes_a_pixel: Approximate memory of the system for each pixel at working size.

    Attributes:
        planes: How many planes the system gives.
        arithmetic: Does the colour arithmetic on a device; None for the CPU.
        shrink: Computes L of a photo `(1, 1, h, w)` with about `render_size ** 2` pixels.

    Raises:
        ValueError: An option is unknown or out of range.
    """

    planes = 2
    shrink: Callable[[Photo, int], Tensor] = staticmethod(photo_to_render_size)

    def __init__(
        self,
        render_ab: RenderAb,
        render_size: int,
        upsample: str,
        saturation: float = 1.0,
        batch_size: int = 1,
        weighs_opacity: bool = False,
        bytes_a_pixel: int = 256,
    ) -> None:
        check_value(render_size, Side, "render_size", "a prediction")
        self.render_ab = render_ab
        self.render_size = int(render_size)
        self.upsample = upsample
        self.upsampling = find_upsampling(upsample)
        self.saturation = _checked(saturation)
        self.batch_size = batch_size
        self.weighs_opacity = weighs_opacity
        self.bytes_a_pixel = bytes_a_pixel
        self.arithmetic: OnDevice | None = None

    def with_saturation(self, saturation: float) -> "Predictor":
        """Return a predictor with another saturation.

        Raises:
            ValueError: It is out of range.
        """
        changed = copy.copy(self)
        changed.saturation = _checked(saturation)
        return changed

    def with_batches(self, size: int) -> "Predictor":
        """Return a predictor that renders at least so many photos of a stream together."""
        changed = copy.copy(self)
        changed.batch_size = max(self.batch_size, size)
        return changed

    def on(self, arithmetic: OnDevice) -> "Predictor":
        """Return a predictor that does the colour arithmetic on a device, in batches that overlap."""
        changed = self.with_batches(_BATCH_ON_DEVICE)
        changed.arithmetic = arithmetic
        return changed

    def scaled(self, hinted: Hinted) -> Scaled:
        """Compute the lightness of a photo at working size, and draw its hints as the system takes them.

        Raises:
            HintsError: The hints do not fit the photo.
        """
        if self.arithmetic is None:
            return self.with_hints(Scaled(hinted, self.shrink(hinted.photo, self.render_size)))
        lightness = self.arithmetic.lightness(hinted.photo)
        return self.with_hints(
            Scaled(hinted, self.arithmetic.shrunk(lightness, self.render_size), lightness=lightness)
        )

    def with_hints(self, scaled: Scaled) -> Scaled:
        """Draw the hints of a photo that is scaled already.

        Raises:
            HintsError: They do not fit the photo.
        """
        hinted = scaled.hinted if self.weighs_opacity else scaled.hinted.opaque()
        return scaled._replace(hinted=hinted, drawn=self.draw(hinted, scaled.small))

    def draw(self, hinted: Hinted, small: Tensor) -> Tensor | None:
        """Draw the hints of a photo at the size of `small` `(1, 1, h, w)`, or return None if there are none."""
        return hinted.hints.draw(hinted.size, small.shape[-2:])[None].to(small) if hinted.hints else None

    def check_memory(self, height: int, width: int, photos: int = 1) -> None:
        """Check that there is memory to render photos of a size at once, apart from that for the photos themselves.

        Raises:
            MemoryError: There is too little.
        """
        needed = photos * math.prod(working_size(height, width, self.render_size)) * self.bytes_a_pixel
        if needed > available_memory():
            raise MemoryError(
                f"render_size={self.render_size} takes about {needed / 2**30:.1f} GiB of memory, of which "
                f"{available_memory() / 2**30:.1f} are free; lower it"
            )

    def outcomes(self, sources: Iterable[tuple[PhotoSource, HintSource | None]]) -> Iterator[Outcome]:
        """Read and colour photos, each with its hints, in order; if one fails, its outcome holds the error."""
        batches = read_batches(sources, self.batch_size)
        mapped = map if self.arithmetic is None else self.arithmetic.overlapped
        for colored in mapped(self._outcomes_of, batches):
            yield from colored

    def _outcomes_of(self, batch: list[tuple[PhotoSource, Hinted | Exception]]) -> list[Outcome]:
        colored = iter(self._predict_each([its for _, its in batch if isinstance(its, Hinted)]))
        return [Outcome(source, next(colored) if isinstance(its, Hinted) else its) for source, its in batch]

    def _predict_each(self, photos: list[Hinted]) -> list[Pixels | Exception]:
        try:
            return [*self.predict(photos)] if photos else []
        except Exception as error:
            for its in (error, error.__cause__):  # whose frames keep the tensors of the batch
                traceback.clear_frames(its.__traceback__ if its else None)
            if len(photos) == 1:
                return [error]
        return [outcome for photo in photos for outcome in self._predict_each([photo])]

    def predict(self, photos: Sequence[Hinted]) -> list[Pixels]:
        """Colour photos; those of equal working size form a batch."""
        largest = max((photo for photo, _ in photos), key=lambda photo: photo.pixels.size)
        height, width, _ = largest.pixels.shape
        self.check_memory(height, width)
        with memory_for(height, width, largest.name):
            scaled = list(map(self.scaled, photos))
            with self.arithmetic.network() if self.arithmetic else contextlib.nullcontext():
                rendered = self._render(scaled)
            return list(map(self.finish, scaled, rendered))

    def _render(self, photos: list[Scaled]) -> list[Rendered]:
        of_size: dict[torch.Size, list[int]] = {}
        for index, photo in enumerate(photos):
            of_size.setdefault(photo.small.shape, []).append(index)
        results: dict[int, Rendered] = {}
        for indices in of_size.values():
            lightness = torch.cat([photos[index].small for index in indices])
            batch = self.render(self.render_ab, lightness, stack_hints([photos[index].drawn for index in indices]))
            results |= dict(zip(indices, map(Rendered, batch.ab.split(1), batch.lightness.split(1)), strict=True))
        return [results[index] for index in range(len(photos))]

    def render(self, render_ab: RenderAb, lightness: Tensor, hints: Tensor | None) -> Rendered:
        """Run a system on L `(N, 1, h, w)` and drawn hints, and check what it gives."""
        return render_checked(render_ab, lightness, hints, self.planes)

    def finish(self, scaled: Scaled, rendered: Rendered) -> Pixels:
        """Upsample rendered colours to the size of the photo, and put them on it."""
        (photo, hints), small, drawn, lightness = scaled
        if _is_black_and_white(photo):
            warnings.warn(
                f"{photo.name} stays without colour, since all of it is black or white; scan it in gray, or paint it "
                "with sykora2009 or qu2006 if it is a drawing",
                stacklevel=4,
            )
        colors = rendered._replace(ab=self.saturation * rendered.ab)
        size = scaled.hinted.size
        if hints and drawn is not None:
            rows = exactly(obeying(colors, small, drawn, self.upsampling, size[0]), hints, size)
        else:
            rows = self.upsampling(*colors, size[0])
        if self.arithmetic is None or lightness is None:
            return color_photo(photo, rows)
        return self.arithmetic.color(photo, lightness, rows)


def _is_black_and_white(photo: Photo) -> bool:
    """Whether a photo is black and white only, as halftones and 1-bit scans are."""
    height, width, _ = photo.pixels.shape
    some = replace(photo, pixels=photo.pixels[:: max(1, height // 64), :: max(1, width // 64)])
    for its in (some, photo):
        values = its.lightness()
        dark, light = (values < 1).sum().item(), (values > 99).sum().item()
        if values.numel() < _ENOUGH or dark + light < values.numel() or not dark or not light:
            return False
    return True

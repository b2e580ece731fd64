"""Colour arithmetic on the device of a network, such as a GPU, so that it does not wait for that of the CPU.

Photos and results are copied through pinned memory, and batches overlap: while the device computes on one, the next
is copied to it. It holds the pixels and the lightness of each photo; all else is computed in strips.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from colorfuse.color import formulas
from colorfuse.color.precision import full_precision
from colorfuse.images import Photo, Pixels
from colorfuse.inference.prefetching import prefetch
from colorfuse.inference.upsampling import ColorsOfRows

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_PIXELS_AT_ONCE = 1 << 22
_STREAMS = 2
"""Batches at a time: one to compute on, and one to copy."""
_WORD = 65535


class OnDevice:
    """Colour arithmetic by torch on a device.

    Results differ from those on the CPU by rounding: at most one unit at 8 bits, and 16 at 16 bits.

    Args:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def lightness(self, photo: Photo) -> Tensor:
        """Copy a photo to the device and compute its lightness `(1, 1, H, W)`."""
        pixels = self._copied(photo.pixels)
        height, width, _ = pixels.shape
        lightness = torch.empty(1, 1, height, width, device=self.device)
        for rows in _strips(height, width):
            lightness[0, 0, rows] = _lightness_of(pixels[rows])
        return lightness

    def color(self, photo: Photo, lightness: Tensor, colors: ColorsOfRows) -> Pixels:
        """Put colours on a photo's lightness `(1, 1, H, W)`, as `Photo.colored` does.

        Colours outside the sRGB gamut are reduced in chroma, so that lightness is preserved.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """
        height, width = lightness.shape[-2:]
        rgb = self._on_host((height, width, 3), photo.pixels.dtype)
        with full_precision(self.device.type):
            for rows in _strips(height, width):
                some = lightness[..., rows, :]
                lab = torch.cat([some, colors(some, rows.start)], dim=1)[0]
                rgb[rows].copy_(_of_depth(_rgb_of(lab), photo.pixels.dtype), non_blocking=True)
        self._wait()
        colored = np.empty((height, width, 3 if photo.alpha is None else 4), photo.pixels.dtype)
        colored[..., :3] = rgb.numpy().view(photo.pixels.dtype)
        if photo.alpha is not None:
            colored[..., 3:] = photo.alpha
        return colored

    def overlapped(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """Map a function over batches in order, two at a time, each on a stream of its own if the device has them."""

        def run(batch: Batch) -> Result:
            with self._stream():
                return function(batch)

        with ThreadPoolExecutor(_STREAMS) as threads:
            yield from prefetch(threads, run, batches, _STREAMS - 1)

    @property
    def _is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def _stream(self) -> contextlib.AbstractContextManager[Any]:
        if not self._is_cuda:
            return contextlib.nullcontext()
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(torch.cuda.default_stream(self.device))  # where the weights may still be copied
        return torch.cuda.stream(stream)

    def _wait(self) -> None:
        """Wait for what this thread asked of the device, but not for what others did."""
        if self._is_cuda:
            torch.cuda.current_stream(self.device).synchronize()

    def _on_host(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
        """Memory of the CPU that the device copies from and to by itself; words are held as int16."""
        kept = {np.dtype(np.uint8): torch.uint8, np.dtype(np.uint16): torch.int16}.get(dtype, torch.float32)
        return torch.empty(shape, dtype=kept, device="cpu", pin_memory=self._is_cuda)

    def _copied(self, pixels: Pixels) -> Tensor:
        host = self._on_host(pixels.shape, pixels.dtype)
        host.numpy().view(pixels.dtype)[:] = pixels
        return host.to(self.device, non_blocking=True)


def _strips(height: int, width: int) -> Iterator[slice]:
    rows = max(1, _PIXELS_AT_ONCE // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _lightness_of(pixels: Tensor) -> Tensor:
    """L `(rows, W)` of pixels `(rows, W, 1 | 3)`: bytes, floats in 0 to 1, or words held as int16."""
    if pixels.dtype == torch.int16:
        pixels = (pixels.int() & _WORD).float() / _WORD
    planes = pixels.movedim(-1, 0).flatten(1)
    lightness = formulas.lightness_from_gray(planes) if len(planes) == 1 else formulas.lab_from_rgb(planes)[:1]
    return lightness.view(pixels.shape[:2])


def _rgb_of(lab: Tensor) -> Tensor:
    """RGB `(rows, W, 3)` in 0 to 1 of Lab `(3, rows, W)`."""
    rgb = formulas.rgb_from_lab(formulas.with_reduced_chroma(lab.flatten(1)))
    return rgb.view(lab.shape).movedim(0, -1)


def _of_depth(rgb: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Floats in 0 to 1 as floats, rounded bytes, or rounded words held as int16."""
    if dtype == np.float32:
        return rgb
    if dtype == np.uint8:
        return rgb.mul(255).add(0.5).byte()
    return rgb.mul(_WORD).add(0.5).int().short()

"""Colour arithmetic on the device of a network, such as a GPU, so that it does not wait for that of the CPU.

Photos and results are copied in strips, on CUDA through pinned memory, and there batches overlap: while one is
copied, the network computes on another. The device holds the lightness of each photo; all else is computed in strips.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.color import formulas
from colorfuse.color.precision import full_precision
from colorfuse.images import Photo, Pixels
from colorfuse.images.pixels import few_rows
from colorfuse.inference.prefetching import prefetch
from colorfuse.inference.rendering import working_size
from colorfuse.inference.upsampling import ColorsOfRows

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_VALUES_AT_ONCE = 1 << 22
_BATCHES_AT_ONCE = 2
"""One to compute on, and one to copy."""
_WORD = 65535


class OnDevice:
    """Colour arithmetic by torch on a device.

    For the same ab, results differ from those on the CPU by rounding: at most one unit at 8 bits, and 16 at 16 bits.

    Args:
        device: The device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._network_is_free = threading.Lock()

    def lightness(self, photo: Photo) -> Tensor:
        """Copy a photo to the device and compute its lightness `(1, 1, H, W)`."""
        height, width, _ = photo.pixels.shape
        lightness = torch.empty(1, 1, height, width, dtype=torch.float32, device=self.device)
        with full_precision(self.device.type):
            for rows in few_rows(photo.pixels, _VALUES_AT_ONCE):
                lightness[0, 0, rows] = _lightness_of(self._copied(photo.pixels[rows]))
        return lightness

    def shrunk(self, lightness: Tensor, render_size: int) -> Tensor:
        """Resample lightness `(1, 1, H, W)` as `to_render_size` does, but one axis after the other.

        CUDA's shared memory limits by how much both can be shrunk at once.
        """
        full, across = lightness.shape[-2:]
        height, width = working_size(full, across, render_size)
        for size in ((full, width), (height, width)):
            lightness = functional.interpolate(lightness, size=size, mode="bilinear", antialias=True)
        return lightness

    def color(self, photo: Photo, lightness: Tensor, colors: ColorsOfRows) -> Pixels:
        """Put colours on a photo's lightness `(1, 1, H, W)`, as `Photo.colored` does.

        Colours outside the sRGB gamut are reduced in chroma, so that lightness is preserved.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """
        height, width = lightness.shape[-2:]
        dtype = photo.pixels.dtype
        colored = np.empty((height, width, 3 if photo.alpha is None else 4), dtype)
        if photo.alpha is not None:
            colored[..., 3:] = photo.alpha
        with full_precision(self.device.type):
            for rows in few_rows(photo.pixels, _VALUES_AT_ONCE):
                some = lightness[..., rows, :]
                lab = torch.cat([some, colors(some, rows.start)], dim=1)[0]
                colored[rows, :, :3] = self._fetched(_of_depth(_rgb_of(lab), dtype)).view(dtype)
        return colored

    def overlapped(self, function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
        """Map a function over batches in order; on CUDA two at a time, each on a stream of its own."""
        if not self._is_cuda:
            yield from map(function, batches)
            return
        streams, caller = iter(_streams(self.device)), torch.cuda.current_stream(self.device)

        def begin() -> None:
            stream = next(streams)
            stream.wait_stream(caller)  # where the weights may still be copied
            torch.cuda.set_stream(stream)

        with ThreadPoolExecutor(_BATCHES_AT_ONCE, initializer=begin) as threads:
            yield from prefetch(threads, function, batches, _BATCHES_AT_ONCE - 1)

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Keep other batches from the network meanwhile, since some keep tensors between their calls."""
        with self._network_is_free:
            yield
            self._wait()

    @property
    def _is_cuda(self) -> bool:
        return self.device.type == "cuda"

    def _wait(self) -> None:
        """Wait for what this thread asked of the device, but not for what others did."""
        if self._is_cuda:
            torch.cuda.current_stream(self.device).synchronize()

    def _copied(self, pixels: Pixels) -> Tensor:
        """Copy pixels to the device; words are held as int16."""
        host = self._on_host(pixels.shape, _HELD.get(pixels.dtype, torch.float32))
        host.numpy().view(pixels.dtype)[:] = pixels
        return host.to(self.device, non_blocking=self._is_cuda)

    def _fetched(self, values: Tensor) -> Any:
        """Copy values from the device to an array."""
        host = self._on_host(values.shape, values.dtype).copy_(values, non_blocking=self._is_cuda)
        self._wait()
        return host.numpy()

    def _on_host(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, device="cpu", pin_memory=self._is_cuda)


_HELD = {np.dtype(np.uint8): torch.uint8, np.dtype(np.uint16): torch.int16}


@functools.cache
def _streams(device: torch.device) -> list[torch.cuda.Stream]:
    """The streams of a device, always the same ones, since memory is kept apart for each."""
    return [torch.cuda.Stream(device) for _ in range(_BATCHES_AT_ONCE)]


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

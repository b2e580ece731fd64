"""Kernels over whole images: a few rows at a time, on several threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.compiled import count_pixels, fastest

Array: TypeAlias = NDArray[Any]
Kernel: TypeAlias = Callable[[Array, Array], None]
"""Reads pixels `(C, N)`, which are contiguous, and writes to an array `(D, N)`."""

_PIXELS_AT_ONCE = 16_384
"""Few enough that what NumPy computes of them stays in a core's cache."""
_MORE_AT_ONCE = 65_536
"""The same for compiled kernels, which keep less between their steps."""


def map_pixels(kernels: tuple[Kernel, ...], images: Tensor, dtype: torch.dtype, channels: int) -> Tensor:
    """Apply kernels, one after another, to images `(*, C, H, W)`, on as many threads as torch uses.

    What lies between two kernels has three channels, in float32.
    """
    batch = images.detach().resolve_neg()[None].flatten(0, -4)
    source, result = batch.numpy(), _empty_like(batch, dtype, channels)
    height, width = source.shape[2:]
    fast = [fastest(kernel) for kernel in kernels]
    at_once = _PIXELS_AT_ONCE if fast == list(kernels) else _MORE_AT_ONCE
    rows = min(height, max(1, at_once // width))

    def convert(index: int, top: int) -> None:
        part = slice(top, top + rows)
        pixels = np.require(source[index, :, part], requirements=["C", "W"]).reshape(source.shape[1], -1)
        for kernel in fast[:-1]:
            given, pixels = pixels, np.empty((3, pixels.shape[1]), np.float32)
            kernel(given, pixels)
        target = result[index, :, part]
        converted = np.empty((channels, pixels.shape[1]), result.dtype)
        fast[-1](pixels, converted)
        for plane, its in zip(target, converted, strict=True):  # much faster than one copy, if channels-last
            np.copyto(plane, its.reshape(plane.shape))

    in_parts(convert, [(index, top) for index in range(len(source)) for top in range(0, height, rows)])
    count_pixels(len(source) * height * width)
    return torch.from_numpy(result).view(*images.shape[:-3], *result.shape[1:])


def in_parts(work: Callable[..., None], parts: list[tuple[Any, ...]]) -> None:
    """Do some work part by part, on as many threads as torch uses."""
    threads = max(1, min(torch.get_num_threads(), len(parts)))

    def run(thread: int) -> None:
        for part in parts[thread::threads]:
            work(*part)

    if threads == 1:
        run(0)
    else:
        with ThreadPoolExecutor(threads) as pool:  # one task a thread, since each task costs a tenth of a millisecond
            list(pool.map(run, range(threads)))


def _empty_like(images: Tensor, dtype: torch.dtype, channels: int) -> Array:
    """Allocate an array with the memory format of `images`; NumPy's huge pages are much faster to fill."""
    count, _, height, width = images.shape
    numpy_dtype = torch.empty(0, dtype=dtype, device="cpu").numpy().dtype
    if images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous():
        return np.empty((count, height, width, channels), numpy_dtype).transpose(0, 3, 1, 2)
    return np.empty((count, channels, height, width), numpy_dtype)

"""The conversions on NumPy arrays: in place, in chunks, on several threads.

They compute what `formulas` defines without a new array for each step, since fresh memory costs more time than the
arithmetic. A photo of many megapixels therefore takes hardly more memory than its result.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.color.constants import (
    EPSILON,
    FROM_CURVED,
    FROM_RGB,
    KAPPA,
    LIGHTNESS_OF_BYTE,
    LINEAR_OF_BYTE,
    REACHED,
    ROUNDED,
    TO_CURVED,
    TO_RGB,
)

Array: TypeAlias = NDArray[Any]
Kernel: TypeAlias = Callable[[Array, Array, Array], None]
"""Reads pixels `(C, N)`, writes to an array `(D, N)`, and uses a floating array `(3, C, N)` as workspace."""

_PIXELS_AT_ONCE = 65_536
"""Few enough that most intermediate results stay in a core's cache, and that BLAS stays on one thread."""
_CUBE_ROOT_OF_EPSILON = 6 / 29
_kept = threading.local()


def map_pixels(kernel: Kernel, images: Tensor, dtype: torch.dtype, channels: int | None = None) -> Tensor:
    """Apply `kernel` to images `(*, C, H, W)`, a few rows at a time, on as many threads as torch uses.

    The result has C channels, or `channels` if given.
    """
    batch = images.detach().resolve_neg()[None].flatten(0, -4)
    source, result = batch.numpy(), _empty_like(batch[:, :channels], dtype)
    working = np.float64 if np.float64 in (source.dtype, result.dtype) else np.float32
    height, width = source.shape[2:]
    rows = min(height, max(1, _PIXELS_AT_ONCE // width))
    parts = [(index, top) for index in range(len(source)) for top in range(0, height, rows)]

    threads = min(torch.get_num_threads(), len(parts))
    size = 3 * source.shape[1] * rows * width
    memory = _memory(threads * size * np.dtype(working).itemsize).view(working).reshape(threads, size)

    def convert(thread: int) -> None:
        with np.errstate(all="ignore"):
            for index, top in parts[thread::threads]:
                pixels, target = (
                    whole[index, :, top : top + rows].reshape(whole.shape[1], -1) for whole in (source, result)
                )
                kernel(pixels, target, memory[thread, : 3 * pixels.size].reshape(3, *pixels.shape))

    if threads == 1:
        convert(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(convert, range(threads)))
    return torch.from_numpy(result).view(*images.shape[:-3], *result.shape[1:])


def _memory(size: int) -> Array:
    """Return a buffer of bytes, which the calling thread keeps and reuses for the next photo."""
    if not hasattr(_kept, "memory") or _kept.memory.nbytes < size:
        _kept.memory = np.empty(size, np.uint8)
    memory: Array = _kept.memory[:size]
    return memory


def _empty_like(images: Tensor, dtype: torch.dtype) -> Array:
    """Allocate an array with the shape and memory format of `images`; NumPy's huge pages are much faster to fill."""
    count, channels, height, width = images.shape
    numpy_dtype = torch.empty(0, dtype=dtype, device="cpu").numpy().dtype
    if images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous():
        return np.empty((count, height, width, channels), numpy_dtype).transpose(0, 3, 1, 2)
    return np.empty((count, channels, height, width), numpy_dtype)


# --- Kernels ---


def lab_from_rgb(rgb: Array, lab: Array, work: Array) -> None:
    """Bytes, or floats in 0 to 1, to Lab."""
    linear, curved, _ = work
    _linear(rgb, linear, curved)
    np.matmul(FROM_RGB.astype(linear.dtype), linear, out=curved)
    _lab_curve(curved, linear)
    np.matmul(FROM_CURVED.astype(linear.dtype), curved, out=linear)
    np.copyto(lab, linear)  # faster than a matmul into a channels-last array


def lightness_from_gray(gray: Array, lightness: Array, work: Array) -> None:
    """Gray bytes, or floats in 0 to 1, to L."""
    if gray.dtype == np.uint8:
        np.take(LIGHTNESS_OF_BYTE.astype(lightness.dtype), gray, out=lightness, mode="wrap")
        return
    linear, spare, _ = work
    _linear(gray, linear, spare)
    _lab_curve(linear, spare)
    np.multiply(linear, 116, out=lightness)


def rgb_from_lab(lab: Array, rgb: Array, work: Array) -> None:
    """Lab to floats in 0 to 1, clipped."""
    _unclipped_rgb(lab, work)
    np.clip(work[0], 0, 1, out=rgb)


def bytes_from_lab(lab: Array, rgb: Array, work: Array) -> None:
    """Lab to bytes, clipped."""
    _unclipped_rgb(lab, work)
    values = work[0]
    values *= 255
    values += 0.5
    np.clip(values, 0, 255, out=values)
    for channel, its in zip(rgb, values, strict=True):  # much faster than a single copy if channels-last
        np.copyto(channel, its, casting="unsafe")


def is_outside(lab: Array, outside: Array, work: Array) -> None:
    """Whether each colour is outside the gamut, `(1, N)`."""
    _linear_from_lab(lab, work)
    work[0] -= 0.5
    np.logical_not(_is_inside(work[0], ROUNDED), out=outside[0])


def brought_inside(lab: Array, reduced: Array, work: Array) -> None:
    """Scale a and b by the greatest factor that keeps each colour in the gamut: 0 for black and white."""
    np.copyto(reduced, lab)
    reduced[1:] = 0
    colorful = np.flatnonzero((lab[0] > 0) & (lab[0] < 100))
    colors = np.take(lab, colorful, axis=1)  # keeps each channel contiguous, unlike indexing
    reduced[1:, colorful] = _greatest_factor(colors) * colors[1:]


def _greatest_factor(lab: Array) -> Array:
    """Find, by bisection, the greatest factor of a and b that keeps each colour in the gamut.

    The factor does not change Y, which is therefore computed once; f(X) and f(Z) are linear in it.
    """
    to_curved, to_rgb = TO_CURVED.astype(lab.dtype), TO_RGB.astype(lab.dtype)
    start, reach = to_curved[::2, :1] * lab[0], to_curved[::2, 1:] @ lab[1:]
    work = np.empty((3, 1, lab.shape[1]), lab.dtype)
    np.multiply(to_curved[1, 0], lab[0], out=work[0])
    _uncurve(work)
    fixed, mixed = to_rgb[:, 1:2] * work[2] - 0.5, np.ascontiguousarray(to_rgb[:, ::2])
    step = 0.5
    factor: Array = np.zeros_like(lab[0])
    work, rgb = np.empty((3, *reach.shape), lab.dtype), np.empty_like(lab)
    while step > 1 / 8192:
        np.multiply(reach, factor + step, out=work[0])
        work[0] += start
        _uncurve(work)
        np.matmul(mixed, work[2], out=rgb)
        rgb += fixed
        factor += step * _is_inside(rgb)
        step /= 2
    return factor


def with_reduced_chroma(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Lab `(*, 3, H, W)` to Lab in the gamut; only colours outside it, which are usually few, are processed."""
    reduced = images.detach().clone()
    outside = map_pixels(is_outside, images, torch.bool, channels=1).squeeze(-3)
    if outside.any():
        pixels = reduced.movedim(-3, 0)
        pixels[:, outside] = map_pixels(brought_inside, pixels[:, outside][..., None], dtype)[..., 0]
    return reduced


def _is_inside(centered: Array, tolerance: float = REACHED) -> Array:
    """Whether linear RGB minus 0.5 is in the gamut, up to a tolerance; overwrites its argument."""
    np.absolute(centered, out=centered)
    inside: Array = centered.max(axis=0) <= 0.5 + tolerance
    return inside


# --- Steps: those that take `spare`, a workspace, leave their result in the argument before it ---


def _linear(rgb: Array, linear: Array, spare: Array) -> None:
    if rgb.dtype == np.uint8:
        # A byte is always a valid index, and mode="wrap" skips the slower check of bounds.
        np.take(LINEAR_OF_BYTE.astype(linear.dtype), rgb, out=linear, mode="wrap")
        return
    np.clip(rgb, 0.04045, np.inf, out=linear)
    linear += 0.055
    linear /= 1.055
    _power(linear, 2.4)
    np.divide(rgb, 12.92, out=spare)
    np.copyto(linear, spare, where=rgb <= 0.04045)


def _unclipped_rgb(lab: Array, work: Array) -> None:
    """Leave in `work[0]` the RGB of Lab before clipping."""
    _linear_from_lab(lab, work)
    rgb, line, _ = work
    np.multiply(rgb, 12.92, out=line)
    np.clip(rgb, 0.0031308, np.inf, out=rgb)
    _power(rgb, 1 / 2.4)
    rgb *= 1.055
    rgb -= 0.055
    np.minimum(rgb, line, out=rgb)


def _linear_from_lab(lab: Array, work: Array) -> None:
    """Leave in `work[0]` the linear RGB of Lab, which is not clipped to 0 to 1."""
    curved, _, xyz = work
    np.matmul(TO_CURVED.astype(work.dtype), lab, out=curved)
    _uncurve(work)
    np.matmul(TO_RGB.astype(work.dtype), xyz, out=curved)


def _uncurve(work: Array) -> None:
    """Leave in `work[2]` the XYZ of the curved values in `work[0]`, and overwrite these."""
    below, above, cube = work
    np.clip(below, _CUBE_ROOT_OF_EPSILON - 16 / 116, np.inf, out=above)
    below -= above
    below *= 116 / KAPPA
    above += 16 / 116
    np.multiply(above, above, out=cube)
    cube *= above
    cube += below


def _lab_curve(values: Array, spare: Array) -> None:
    np.multiply(values, KAPPA / 116, out=spare)
    np.clip(values, EPSILON, np.inf, out=values)
    _power(values, 1 / 3)
    values -= 16 / 116
    np.minimum(values, spare, out=values)


def _power(values: Array, exponent: float) -> None:
    """Raise positive values to a power by exp and log, which NumPy vectorises on every CPU, unlike powers."""
    np.log(values, out=values)
    values *= exponent
    np.exp(values, out=values)

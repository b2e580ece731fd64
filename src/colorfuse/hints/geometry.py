"""Where marks lie among the pixels of a photo and those of a drawing of another size."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats: TypeAlias = NDArray[np.float64]

_TIE = 1e-6
"""Boxes that a line touches count as crossed, whatever the rounding."""


def span(place: int, large: int, small: int, reach: float, start: int, stop: int) -> range:
    """Pixels from `start` to `stop` of `small` that a mark at pixel `place` of `large` may reach, and a few more."""
    center, half = (2 * place + 1) * small / (2 * large), (max(small, large) + reach * small) / (2 * large)
    first = min(max(start, int(center - half) - 1), stop)
    return range(first, max(first, min(stop, int(center + half) + 2)))


def offsets(place: int, large: int, small: int, pixels: range) -> NDArray[np.int64]:
    """Distances of the centres of some of `small` pixels from that of pixel `place` of `large`, times 2 `small`.

    They are integers, so that a tie is a tie from either side.
    """
    return (2 * np.arange(pixels.start, pixels.stop, dtype=np.int64) + 1) * large - (2 * place + 1) * small


def spans(places: Floats, large: int, small: int, reach: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of `small` that each line from one of `large` pixels to the next may reach, and a few more.

    Args:
        places: The pixels `(n)`; a single one is a line by itself.
        large: How many pixels there are.
        small: How many pixels of another size there are.
        reach: How wide the line is.

    Returns:
        For each of the `max(1, n - 1)` lines, the first pixel and the one after the last.
    """
    middle, half = (2 * places + 1) * small / (2 * large), (max(small, large) + reach * small) / (2 * large)
    first = ((middle - half).astype(np.int64) - 1).clip(0, small)
    stop = ((middle + half).astype(np.int64) + 2).clip(first, small)
    if len(places) > 1:
        first, stop = np.minimum(first[:-1], first[1:]), np.maximum(stop[:-1], stop[1:])
    return first, stop


def centers(pixels: range, large: int, small: int) -> Floats:
    """The centres of some of `small` pixels, in pixels of `large`, whose own centres are whole numbers."""
    return (2 * np.arange(pixels.start, pixels.stop, dtype=np.float64) + 1) * large / (2 * small) - 0.5


def distance(down: Floats, right: Floats, start: tuple[int, int], end: tuple[int, int]) -> Floats:
    """How far places are from the line between two others."""
    along = end[0] - start[0], end[1] - start[1]
    length = max(1, along[0] ** 2 + along[1] ** 2)
    share = (((down - start[0]) * along[0] + (right - start[1]) * along[1]) / length).clip(0, 1)
    apart: Floats = np.hypot(down - start[0] - share * along[0], right - start[1] - share * along[1])
    return apart


def crossed(
    down: Floats, right: Floats, start: tuple[int, int], end: tuple[int, int], halves: Sequence[float]
) -> NDArray[np.bool_]:
    """Whether the line between two places crosses the boxes around others, whose half sides are given."""
    first, last = np.zeros(()), np.ones(())
    for places, begin, stop, half in zip((down, right), start, end, halves, strict=True):
        low, high = places - half - _TIE - begin, places + half + _TIE - begin
        if begin == stop:
            last = np.where((low <= 0) & (high >= 0), last, -1)
        else:
            bounds = low / (stop - begin), high / (stop - begin)
            first, last = np.maximum(first, np.minimum(*bounds)), np.minimum(last, np.maximum(*bounds))
    met: NDArray[np.bool_] = first <= last
    return met


def overlaps(large: int, small: int) -> Tensor:
    """Which of `small` pixels shows which of `large` pixels along one axis, as 0 and 1 `(small, large)`."""
    places, others = (torch.arange(side, device="cpu") for side in (small, large))
    apart = (2 * places[:, None] + 1) * large - (2 * others + 1) * small
    return (apart.abs() <= max(small, large)).float()

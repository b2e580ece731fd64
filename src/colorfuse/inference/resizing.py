"""Resizing of planes, row by row, by NumPy; `resizing_compiled` has compiled twins.

Both ways resize first along the axis that leaves less to do along the other: enlarging, the columns of the few small
rows; shrinking, the many large rows to few.
"""

import functools
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from colorfuse.color.arithmetic import Values, select

Array: TypeAlias = NDArray[Any]


class Places(NamedTuple):
    """Where rows or columns lie between those of a small image: between `before` and `after`, by a share."""

    before: NDArray[np.int32]
    after: NDArray[np.int32]
    share: NDArray[np.float32]


@functools.lru_cache(64)
def places_of(small: int, large: int, first: int, count: int) -> Places:
    """Compute the places of `count` of `large` rows, from `first` on, between `small` rows; not to be changed."""
    centers = (np.arange(first, first + count) + 0.5) * (small / large) - 0.5
    centers = centers.clip(0, small - 1)
    before = np.floor(centers)
    after = np.minimum(before + 1, small - 1)
    return Places(before.astype(np.int32), after.astype(np.int32), (centers - before).astype(np.float32))


def enlarge(planes: Array, rows: Places, columns: Places, enlarged: Array) -> None:
    """Enlarge planes `(C, h, w)` to `(C, rows, columns)`."""
    first, last = rows.before[0], rows.after[-1]
    some = planes[:, first : last + 1]
    wide = between(some[..., columns.before], some[..., columns.after], columns.share)
    enlarged[:] = between(wide[:, rows.before - first], wide[:, rows.after - first], rows.share[:, None])


def enlarge_guided(
    planes: Array, rows: Places, columns: Places, lightness: Array, limits: Array, enlarged: Array
) -> None:
    """Enlarge slopes and constants of ab `(4, h, w)`, and apply them to L `(rows, columns)`.

    Args:
        planes: Slopes of a and b, and constants of a and b.
        rows: The places of the rows.
        columns: The places of the columns.
        lightness: L of these pixels.
        limits: The least and the greatest a, and those of b `(2, 2)`.
        enlarged: Receives ab `(2, rows, columns)`.
    """
    lines = np.empty((4, *lightness.shape), np.float32)
    enlarge(planes, rows, columns, lines)
    for plane, slope, constant, (least, greatest) in zip(enlarged, lines[:2], lines[2:], limits, strict=True):
        plane[:] = on_line(slope, constant, lightness, least, greatest)


def shares_of(small: int, large: int, first: int, count: int) -> tuple[int, NDArray[np.float32]]:
    """Compute the shares of `large` rows in `count` of `small` rows, from `first` on.

    They are those of bilinear interpolation with antialiasing: a triangle as wide as two small rows.

    Returns:
        The first large row that has a share, and shares `(count, M)` of M rows.
    """
    scale = large / small
    centers = scale * (np.arange(first, first + count) + 0.5)[:, None]
    reach = max(scale, 1.0)
    start, stop = max(0, int(centers[0, 0] - reach)), min(large, int(centers[-1, 0] + reach) + 1)
    shares = np.maximum(0, 1 - np.abs(np.arange(start, stop) + 0.5 - centers) / reach)
    return start, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def add_rows(rows: Array, shares: Array, totals: Array) -> None:
    """Add rows `(M, W)`, by their shares `(N, M)`, to totals `(N, W)`."""
    for total, its in zip(totals, shares, strict=True):
        for index in np.flatnonzero(its):
            total[:] = added(total, its[index], rows[index])


def between(before: Values, after: Values, share: Values) -> Values:
    """The value between two others."""
    return before + share * (after - before)


def on_line(slope: Values, constant: Values, lightness: Values, least: Values, greatest: Values) -> Values:
    """A linear function of lightness, within limits."""
    value = slope * lightness + constant
    value = select(value > least, value, least)
    return select(value < greatest, value, greatest)


def added(total: Values, share: Values, value: Values) -> Values:
    """A total with a share of a value."""
    return total + share * value

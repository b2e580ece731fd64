"""The functions of `resizing`, compiled by Numba."""

import numpy as np
from numba import njit, types
from numba.extending import register_jitable

from colorfuse.color.kernels_compiled import OPTIONS, inlined
from colorfuse.inference import resizing
from colorfuse.inference.resizing import Array, Places

inlined(resizing.between)
inlined(resizing.on_line)
inlined(resizing.added)

_PLACES = types.NamedTuple((types.int32[::1], types.int32[::1], types.float32[::1]), Places)
_PLANES, _LINES = types.float32[:, :, ::1], types.float32[:, ::1]


@register_jitable(**OPTIONS)
def widened(planes: Array, rows: Places, columns: Places) -> Array:
    """Enlarge those rows of planes that are needed for `rows`, along the columns."""
    first, count = rows.before[0], rows.after[-1] - rows.before[0] + 1
    wide = np.empty((planes.shape[0], count, columns.share.size), np.float32)
    for plane in range(planes.shape[0]):
        for row in range(count):
            line, its = planes[plane, first + row], wide[plane, row]
            for i in range(its.size):
                its[i] = resizing.between(line[columns.before[i]], line[columns.after[i]], columns.share[i])
    return wide


@njit([types.void(_PLANES, _PLACES, _PLACES, _PLANES)], **OPTIONS)
def enlarge(planes: Array, rows: Places, columns: Places, enlarged: Array) -> None:
    """Enlarge planes `(C, h, w)` to `(C, rows, columns)`."""
    wide, first = widened(planes, rows, columns), rows.before[0]
    for plane in range(planes.shape[0]):
        for row in range(enlarged.shape[1]):
            above, below = wide[plane, rows.before[row] - first], wide[plane, rows.after[row] - first]
            share, its = rows.share[row], enlarged[plane, row]
            for i in range(its.size):
                its[i] = resizing.between(above[i], below[i], share)


@register_jitable(**OPTIONS)
def guide(wide: Array, rows: Places, top: int, lightness: Array, limits: Array, enlarged: Array) -> None:
    """Do what `resizing.enlarge_guided` does after `widened`, for some rows from `top` on."""
    for row in range(lightness.shape[0]):
        before, after = rows.before[top + row] - rows.before[0], rows.after[top + row] - rows.before[0]
        share, its_lightness = rows.share[top + row], lightness[row]
        for plane in range(2):
            slope_above, slope_below = wide[plane, before], wide[plane, after]
            constant_above, constant_below = wide[plane + 2, before], wide[plane + 2, after]
            least, greatest, its = limits[plane, 0], limits[plane, 1], enlarged[plane, row]
            for i in range(its.size):
                slope = resizing.between(slope_above[i], slope_below[i], share)
                constant = resizing.between(constant_above[i], constant_below[i], share)
                its[i] = resizing.on_line(slope, constant, its_lightness[i], least, greatest)


@njit([types.void(_LINES, _LINES, _LINES)], **OPTIONS)
def add_rows(rows: Array, shares: Array, totals: Array) -> None:
    """Add rows `(M, W)`, by their shares `(N, M)`, to totals `(N, W)`."""
    for index in range(shares.shape[0]):
        total = totals[index]
        for row in range(shares.shape[1]):
            share, its = shares[index, row], rows[row]
            if share:
                for i in range(total.size):
                    total[i] = resizing.added(total[i], share, its[i])

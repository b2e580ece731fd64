"""Propagation of colours from marks to all pixels: a sparse linear system over neighbours of like lightness.

Levin, Lischinski and Weiss 2004, *Colorization using optimization*: each pixel without a mark has the weighted mean
of its neighbours' colours, with weights that fall with the difference in lightness. Constants are those of the
authors' program.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Bools: TypeAlias = NDArray[np.bool_]

_VARIANCE = 0.6
_LEAST_WEIGHT_OF_LIKEST = 0.01
_LEAST_VARIANCE = 2e-6
_LEAST_LINK = 1e-3
"""Pixels belong to one region if a chain of weights of at least this links them: all but those behind hard edges."""
_LEAF = 16
_SPECK = 16
"""Regions of fewer pixels belong to the neighbour that they are linked to the most."""


class Neighbors(NamedTuple):
    """The neighbours of all pixels, K each.

    Attributes:
        places: The neighbours' numbers `(K, pixels)`.
        exists: Whether they exist `(K, pixels)`; some of the border's do not.
    """

    places: Indices
    exists: Bools


def grid_neighbors(frames: int, height: int, width: int) -> Neighbors:
    """The up to eight neighbours of each pixel within its frame; pixels are numbered frame by frame, row by row."""
    first = np.arange(frames)[:, None, None] * (height * width)
    around = [
        neighbors_at(first, np.arange(height)[:, None] + down, np.arange(width) + right, height, width)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        if down or right
    ]
    return join_neighbors(*around)


def neighbors_at(first: Indices, rows: Indices, columns: Indices, height: int, width: int) -> Neighbors:
    """One neighbour for each of some pixels, at these rows and columns of frames whose first pixels are `first`."""
    exists = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = first + np.clip(rows, 0, height - 1) * width + np.clip(columns, 0, width - 1)
    return Neighbors(index.reshape(1, -1), np.broadcast_to(exists, index.shape).reshape(1, -1))


def join_neighbors(*neighbors: Neighbors) -> Neighbors:
    """Join neighbours of the same pixels."""
    return Neighbors(
        np.concatenate([each.places for each in neighbors]), np.concatenate([each.exists for each in neighbors])
    )


def neighbor_weights(lightness: Floats, neighbors: Neighbors) -> "scipy.sparse.csr_array":
    """Compute the weights of each pixel's neighbours, which sum to 1.

    A weight is `exp(-d ** 2 / v)`: d is the difference in lightness, and v is 0.6 times the variance of lightness in
    the window of the pixel and its neighbours, but so large that the likest neighbour weighs 0.01 at least, and 2e-6
    at least.

    Args:
        lightness: `(pixels,)` in 0 to 1.
        neighbors: The neighbours of each.

    Returns:
        A matrix `(pixels, pixels)`, with a row for each pixel.
    """
    index, exists = neighbors
    around = lightness[index]
    count = exists.sum(axis=0) + 1
    mean = (lightness + (around * exists).sum(axis=0)) / count
    variance = ((lightness - mean) ** 2 + ((around - mean) ** 2 * exists).sum(axis=0)) / count
    squares = (around - lightness) ** 2
    likest = np.where(exists, squares, np.inf).min(axis=0)
    scale = np.maximum(_VARIANCE * variance, -likest / np.log(_LEAST_WEIGHT_OF_LIKEST)).clip(min=_LEAST_VARIANCE)
    weights = np.exp(-squares / scale) * exists
    rows = np.broadcast_to(np.arange(len(lightness)), index.shape)
    matrix = scipy.sparse.coo_array(
        (weights[exists], (rows[exists], index[exists])), shape=(len(lightness),) * 2
    ).tocsr()
    return _normalized(matrix)


def find_regions(weights: "scipy.sparse.csr_array") -> NDArray[np.int32]:
    """Label the regions of pixels that are linked by weights of at least 0.001, from 0 on; hard edges part them.

    Specks of fewer than 16 pixels belong to the region that they are linked to the most.
    """
    links = weights.multiply(weights >= _LEAST_LINK)
    regions = scipy.sparse.csgraph.connected_components(links, connection="weak")[1]
    specks = np.flatnonzero(np.bincount(regions)[regions] < _SPECK)
    outward = weights[specks].tocoo()
    leaving = regions[specks[outward.row]] != regions[outward.col]
    outward = scipy.sparse.coo_array(
        (outward.data[leaving], (specks[outward.row[leaving]], outward.col[leaving])), shape=weights.shape
    ).tocsr()
    strongest = outward.max(axis=1).toarray().ravel()[specks] if len(specks) else np.zeros(0)
    most = np.zeros(len(regions))
    np.maximum.at(most, regions[specks], strongest)
    rows = np.repeat(np.arange(len(regions)), np.diff(outward.indptr))
    outward.data = (outward.data >= most[regions[rows]]).astype(np.float64)
    labels: NDArray[np.int32] = scipy.sparse.csgraph.connected_components(links + outward, connection="weak")[1]
    return labels


def propagate(weights: "scipy.sparse.csr_array", colors: Floats, opacity: Floats, order: Indices | None) -> Floats:
    """Solve for the colours of all pixels of regions with marks.

    A pixel with a mark of full opacity has its colour. One with less is a mean of its mark's colour and its
    neighbours', weighted by the opacity. Any other is its neighbours' mean.

    Args:
        weights: From `neighbor_weights`, for pixels each of which has a path of positive weights to a mark.
        colors: The marks' colours `(pixels, channels)`.
        opacity: `(pixels,)` from 0, for no mark, to 1.
        order: All pixels in the order of their elimination, such as `dissection_order` gives for a grid. None for
            one by minimum degree, which suits any neighbours and is slower.

    Returns:
        Colours `(pixels, channels)`.
    """
    solved = np.where(opacity[:, None] > 0, colors, 0.0)
    known = solved * (opacity[:, None] == 1)
    free = np.flatnonzero(opacity < 1) if order is None else order[opacity[order] < 1]
    rows = scipy.sparse.diags_array(1 - opacity[free]) @ weights[free]
    system = scipy.sparse.eye_array(len(free)) - rows[:, free]
    given = rows @ known + opacity[free, None] * solved[free]
    # The matrix is diagonally dominant, so it needs no pivoting, and the order may follow the fill-in alone.
    factors = scipy.sparse.linalg.splu(
        system.tocsc(),
        permc_spec="MMD_AT_PLUS_A" if order is None else "NATURAL",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    solved[free] = factors.solve(given)
    return solved


def normalized_within(weights: "scipy.sparse.csr_array", some: Indices) -> "scipy.sparse.csr_array":
    """The weights among some of the pixels, scaled to sum to 1 again."""
    return _normalized(weights[some][:, some])


def dissection_order(height: int, width: int) -> Indices:
    """Order the pixels of a grid for elimination with little fill-in.

    George 1973, *Nested dissection of a regular finite element mesh*: both halves first, then the line between them.

    Returns:
        The pixels' numbers, row by row, `(height * width,)`.
    """

    def dissect(top: int, bottom: int, left: int, right: int) -> list[Indices]:
        rows, columns = np.arange(top, bottom)[:, None] * width, np.arange(left, right)
        if rows.size * columns.size <= _LEAF or max(rows.size, columns.size) < 3:
            return [(rows + columns).ravel()]
        if rows.size >= columns.size:
            middle = (top + bottom) // 2
            halves = dissect(top, middle, left, right) + dissect(middle + 1, bottom, left, right)
            return [*halves, middle * width + columns]
        middle = (left + right) // 2
        halves = dissect(top, bottom, left, middle) + dissect(top, bottom, middle + 1, right)
        return [*halves, rows.ravel() + middle]

    return np.concatenate(dissect(0, height, 0, width))


def _normalized(weights: "scipy.sparse.csr_array") -> "scipy.sparse.csr_array":
    return scipy.sparse.diags_array(1 / weights.sum(axis=1)) @ weights

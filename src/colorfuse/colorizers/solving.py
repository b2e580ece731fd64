"""Colours of marks, solved for over all pixels of a photo, or of the successive frames of a film."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.propagation import (
    Floats,
    Neighbors,
    dissection_order,
    find_regions,
    grid_neighbors,
    join_neighbors,
    neighbor_weights,
    neighbors_at,
    normalized_within,
    propagate,
)


def solve_colors(lightness: Tensor, hints: Tensor, elsewhere: Tensor) -> tuple[Tensor, NDArray[np.int32]]:
    """Solve for the colours of successive frames.

    Args:
        lightness: L `(frames, h, w)`.
        hints: ab and mask `(frames, 3, h, w)`.
        elsewhere: ab of regions without a mark `(frames, 2, h, w)`.

    Returns:
        ab `(frames, 2, h, w)`; and the regions without a mark, as a number for each of their pixels.
    """
    frames, height, width = lightness.shape
    gray = lightness.double().numpy() / 100
    neighbors = grid_neighbors(frames, height, width)
    if frames > 1:
        neighbors = join_neighbors(neighbors, *_flow_neighbors(gray))
    weights = neighbor_weights(gray.ravel(), neighbors)
    colors, opacity, solved = (_as_columns(maps) for maps in (hints[:, :2], hints[:, 2:], elsewhere))
    regions = find_regions(weights)
    marked = np.isin(regions, regions[opacity[:, 0] > 0])
    if marked.any():
        some, place = np.flatnonzero(marked), np.cumsum(marked) - 1
        order = None
        if frames == 1:
            order = dissection_order(height, width)
            order = place[order[marked[order]]]
        solved[some] = propagate(normalized_within(weights, some), colors[some], opacity[some, 0], order)
    ab = torch.from_numpy(solved).to(lightness).reshape(frames, height, width, 2).movedim(-1, 1)
    return ab, regions[~marked]


def _as_columns(maps: Tensor) -> Floats:
    """Reshape maps `(frames, C, h, w)` to an array `(pixels, C)`."""
    columns: Floats = maps.double().movedim(1, -1).reshape(-1, maps.shape[1]).numpy()
    return columns.copy()


def _flow_neighbors(gray: Floats) -> list[Neighbors]:
    """The pixels of the next and the previous frame within less than a pixel of where each pixel moves."""
    from skimage.registration import optical_flow_ilk  # takes long to import

    frames, height, width = gray.shape
    rows, columns = np.mgrid[:height, :width]
    around = []
    for step in (1, -1):
        corners: list[list[Neighbors]] = [[], [], [], []]
        for frame in range(frames):
            other = frame + step
            if other in range(frames):
                down, right = optical_flow_ilk(gray[frame], gray[other])
                top, left = np.floor(rows + down).astype(np.intp), np.floor(columns + right).astype(np.intp)
                for corner, (below, beside) in zip(corners, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
                    found = neighbors_at(np.array(other * height * width), top + below, left + beside, height, width)
                    off = np.hypot(top + below - rows - down, left + beside - columns - right)
                    corner.append(found._replace(exists=found.exists & (off.reshape(1, -1) < 1)))
            else:
                none = np.zeros((1, height * width), dtype=np.intp)
                for corner in corners:
                    corner.append(Neighbors(none, none > 0))
        around += [
            Neighbors(np.hstack([each.places for each in corner]), np.hstack([each.exists for each in corner]))
            for corner in corners
        ]
    return around

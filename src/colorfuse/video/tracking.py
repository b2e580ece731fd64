"""Marks that move with what they were put on."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.video.motion import Motion, MotionEstimator, Plane, grid, sampled

_MOST = 2000
"""Marked pixels that are followed; of more, every other one, or fewer."""
_TRUSTED = 0.3
_SAME = 12.0
"""Difference of lightness, of 100, up to which a mark is still on what it was put on."""


@dataclass(frozen=True, eq=False)
class Track:
    """Marked pixels of one frame, and where they are in others of its shot.

    Attributes:
        index: The frame that was marked.
        first: The first frame for which places are known.
        values: `(n, 3)`: ab and the opacity of each pixel.
        places: `(frames, n, 2)`: x and y at working size.
        shown: `(frames, n)`: whether the pixel is seen there.
    """

    index: int
    first: int
    values: Tensor
    places: NDArray[np.float16]
    shown: NDArray[np.bool_]

    def draw(self, index: int, onto: Tensor) -> None:
        """Draw the marks onto `(3, h, w)` as they are in a frame."""
        at = index - self.first
        if not 0 <= at < len(self.places):
            return
        shown = self.shown[at]
        x, y = np.rint(self.places[at][shown].astype(np.float32)).T.astype(int)
        height, width = onto.shape[-2:]
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        onto[:, y[inside], x[inside]] = self.values[shown][inside].T


def track(drawn: Tensor, grays: Sequence[NDArray[np.uint8]], index: int, first: int) -> Track:
    """Follow marks through a shot, forth and back.

    A mark moves along the optical flow, and with the whole picture where that is lost. It shows while the lightness
    under it is that of the place it was put on, so what passes in front does not get its colour.

    Args:
        drawn: `(3, h, w)`: ab and a mask at working size.
        grays: Lightness `(h, w)` of the frames of the shot at working size, 255 being 100.
        index: The number of the marked frame.
        first: The number of the first of `grays`.
    """
    rows, columns = (drawn[2] > 0).nonzero(as_tuple=True)
    every = -(-len(rows) // _MOST) or 1
    rows, columns = rows[::every], columns[::every]
    start = torch.stack([columns, rows], dim=1).numpy().astype(np.float32)
    at = index - first
    later = _followed(start, grays[at:])
    earlier = _followed(start, grays[at::-1])
    places, shown = (np.concatenate([before[:0:-1], after]) for before, after in zip(earlier, later, strict=True))
    return Track(index, first, drawn[:, rows, columns].T, places.astype(np.float16), shown.astype(bool))


def draw_tracks(tracks: Sequence[Track], index: int, size: tuple[int, int]) -> Tensor | None:
    """Draw the marks of a frame `(1, 3, h, w)`, those that were made nearest to it last; None if there are none."""
    if not tracks:
        return None
    drawing = torch.zeros(3, *size, dtype=torch.float32, device="cpu")
    for each in sorted(tracks, key=lambda each: -abs(each.index - index)):
        each.draw(index, drawing)
    return drawing[None]


def _followed(start: Plane, grays: Sequence[NDArray[np.uint8]]) -> tuple[Plane, Plane]:
    """Places `(frames, n, 2)` and whether they are seen `(frames, n)`, from the first of the frames on."""
    motion = MotionEstimator()
    known = _at(grays[0].astype(np.float32), start)
    places, shown = [start], [np.ones(len(start), np.float32)]
    for before, after in itertools.pairwise(grays):
        places.append(_moved(places[-1], shown[-1], motion.between(before, after)))
        change = _at(after.astype(np.float32), places[-1]) - known
        shown.append((np.abs(change) <= 2.55 * _SAME).astype(np.float32))
    return np.stack(places), np.stack(shown)


def _moved(places: Plane, shown: Plane, motion: Motion) -> Plane:
    whole = np.median((motion.forth - grid(*motion.trust_forth.shape)).reshape(-1, 2), axis=0)
    follows = (_at(motion.trust_forth, places) >= _TRUSTED) & (shown > 0)
    moved: Plane = np.where(follows[:, None], _at(motion.forth, places), places + whole).astype(np.float32)
    return moved


def _at(plane: Plane, places: Plane) -> Plane:
    """Values `(n)` or `(n, 2)` of a plane at places `(n, 2)`."""
    # In columns of bounded length, as OpenCV takes at most 32,767 in a row.
    values: Plane = sampled(plane, places[:, None])[:, 0]
    return values

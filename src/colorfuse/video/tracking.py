"""Marks that move with what they were put on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.video.motion import Motion, MotionEstimator, Plane, grid, sampled

Gray: TypeAlias = NDArray[np.uint8]

_MOST = 2000
"""Marked pixels that are followed; of more, every other one, or fewer."""
_TRUSTED = 0.3
_SAME = 12.0
"""Difference of lightness, of 100, up to which a mark is still on what it was put on."""
_FAR = 32_000
"""Pixels that are nowhere on the picture, and fit 16 bits."""


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
    places: NDArray[np.int16]
    shown: NDArray[np.bool_]

    def draw(self, index: int, onto: Tensor) -> None:
        """Draw the marks onto `(3, h, w)` as they are in a frame."""
        at = index - self.first
        if not 0 <= at < len(self.places):
            return
        shown = self.shown[at]
        x, y = self.places[at][shown].T.astype(int)
        height, width = onto.shape[-2:]
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        onto[:, y[inside], x[inside]] = self.values[shown][inside].T


def track(marked: Mapping[int, Tensor], grays: Mapping[int, Gray], reach: int) -> list[Track]:
    """Follow the marks of some frames through their shot, forth and back.

    A mark moves along the optical flow, and with the whole picture where that is lost. It shows while the lightness
    under it is that of the place it was put on, so what passes in front does not get its colour.

    Args:
        marked: What is drawn at working size `(3, h, w)`, ab and a mask, by the numbers of its frames.
        grays: Lightness `(h, w)` of the frames of the shot at working size, 255 being 100, by their numbers; at least
            of those up to `reach` before and after each marked one.
        reach: How many frames before and after its own a mark is followed at most.
    """
    starts, values = dict[int, Plane](), dict[int, Tensor]()
    for index, drawn in marked.items():
        rows, columns = (drawn[2] > 0).nonzero(as_tuple=True)
        every = -(-len(rows) // _MOST) or 1
        rows, columns = rows[::every], columns[::every]
        starts[index] = torch.stack([columns, rows], dim=1).numpy().astype(np.float32)
        values[index] = drawn[:, rows, columns].T
    later = _followed(starts, grays, sorted(grays), reach)
    earlier = _followed(starts, grays, sorted(grays, reverse=True), reach)
    tracks = []
    for index, its in values.items():
        back, forth = earlier[index], later[index]
        places = np.stack([*back.places[:0:-1], *forth.places]).round().clip(-_FAR, _FAR).astype(np.int16)
        shown = np.stack([*back.shown[:0:-1], *forth.shown])
        tracks.append(Track(index, index - len(back.places) + 1, its, places, shown))
    return tracks


def draw_tracks(tracks: Sequence[Track], index: int, size: tuple[int, int]) -> Tensor | None:
    """Draw the marks of a frame `(1, 3, h, w)`, those that were made nearest to it last; None if there are none."""
    if not tracks:
        return None
    drawing = torch.zeros(3, *size, dtype=torch.float32, device="cpu")
    for each in sorted(tracks, key=lambda each: -abs(each.index - index)):
        each.draw(index, drawing)
    return drawing[None]


class _Path:
    """Where marked pixels are in one frame after another.

    Attributes:
        places: x and y `(n, 2)` in each frame.
        shown: Whether they are seen there `(n)`.
    """

    def __init__(self, start: Plane, gray: Plane) -> None:
        self.places, self.shown = [start], [np.ones(len(start), bool)]
        self._known = _at(gray, start)

    def go_on(self, motion: Motion, whole: Plane, gray: Plane) -> None:
        """Move to the next frame along its motion, or as the whole picture does."""
        places = self.places[-1]
        follows = (_at(motion.trust_forth, places) >= _TRUSTED) & self.shown[-1]
        moved: Plane = np.where(follows[:, None], _at(motion.forth, places), places + whole).astype(np.float32)
        self.places.append(moved)
        self.shown.append(np.abs(_at(gray, moved) - self._known) <= 2.55 * _SAME)


def _followed(
    starts: Mapping[int, Plane], grays: Mapping[int, Gray], order: Sequence[int], reach: int
) -> dict[int, _Path]:
    """Follow marks from their frames on, in the order of some frames; the motion between two is estimated once."""
    motion = MotionEstimator()
    paths: dict[int, _Path] = {}
    before = order[0] if order else 0
    for index in order:
        gray = grays[index].astype(np.float32)
        going = [path for start, path in paths.items() if abs(index - start) <= reach]
        if going:
            moved = motion.between(grays[before], grays[index])
            whole = np.median((moved.forth - grid(*gray.shape)).reshape(-1, 2), axis=0)
            for path in going:
                path.go_on(moved, whole, gray)
        if index in starts:
            paths[index] = _Path(starts[index], gray)
        before = index
    return paths


def _at(plane: Plane, places: Plane) -> Plane:
    """Values `(n)` or `(n, 2)` of a plane at places `(n, 2)`."""
    # In columns of bounded length, as OpenCV takes at most 32,767 in a row.
    values: Plane = sampled(plane, places[:, None])[:, 0]
    return values

"""Cuts between the shots of a film."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from colorfuse.video.motion import MotionEstimator

_ALIKE = 0.12
"""The least mean trust in the motion from the frame before within a shot: 0.26 where all moves fast, and at most 0.08
between unrelated photos."""


def find_cuts(thumbnails: Iterable[NDArray[np.uint8]]) -> list[int]:
    """Find the first frames of a film's shots.

    A shot begins where a frame does not resemble the one before it, wherever that one's parts moved, and where the
    next frame does not either: a single odd frame, such as a flash, is no cut. Changes of brightness and contrast, as
    in old film and in fades, do not count.

    Args:
        thumbnails: The frames in order, `(h, w)`, some 100 pixels a side.

    Returns:
        Numbers of frames in ascending order; the first is 0.
    """
    motion = MotionEstimator()
    cuts, last, odd = [0], None, None
    for index, thumbnail in enumerate(thumbnails):
        if last is None or _are_alike(motion, last, thumbnail):
            last, odd = thumbnail, None
        elif odd is None:
            odd = index, thumbnail
        else:
            cuts.append(odd[0])
            last, odd = (thumbnail, None) if _are_alike(motion, odd[1], thumbnail) else (odd[1], (index, thumbnail))
    return cuts if odd is None else [*cuts, odd[0]]


def _are_alike(motion: MotionEstimator, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    return before.shape == after.shape and bool(motion.between(before, after).trust_back.mean() >= _ALIKE)

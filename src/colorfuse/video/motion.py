"""Motion between frames, and how far it can be trusted."""

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from colorfuse.video.extra import import_extra

Plane = NDArray[np.float32]

_AGREES = 1.0
"""Pixels by which there and back again may miss, at a trust of 1 / e."""
_LIKE = 8.0
"""Difference of lightness, of 100, that may be between a place and where it came from, at a trust of 1 / e."""


class Motion(NamedTuple):
    """Optical flow between a frame and the one before it.

    Attributes:
        back: `(h, w, 2)`: for each pixel of the frame, x and y of where it was in the one before.
        forth: `(h, w, 2)`: for each pixel of the one before, x and y of where it is in the frame.
        trust_back: `(h, w)`: from 0 to 1, how far `back` can be trusted.
        trust_forth: `(h, w)`: the same of `forth`.
    """

    back: Plane
    forth: Plane
    trust_back: Plane
    trust_forth: Plane


class MotionEstimator:
    """Estimates optical flow, both ways.

    Kroeger, Timofte, Dai and Van Gool 2016, *Fast optical flow using dense inverse search*, by OpenCV, at full
    resolution. Flow is trusted where the way there and back again ends near its start, and lightness is alike, but
    for a change of the whole picture, as by the flicker of old film.
    """

    def __init__(self) -> None:
        cv2 = import_extra("cv2")
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._flow.setFinestScale(0)

    def between(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Motion:
        """Estimate the motion between two frames' lightness `(h, w)`, 255 being 100."""
        back = _places(self._flow.calc(after, before, None))
        forth = _places(self._flow.calc(before, after, None))
        return Motion(back, forth, _trust(after, before, back, forth), _trust(before, after, forth, back))


def sampled(plane: NDArray[Any], places: Plane) -> NDArray[Any]:
    """Sample a plane `(h, w)` or `(h, w, n)` bilinearly at places `(h', w', 2)`, x and y; the border goes on."""
    cv2 = import_extra("cv2")
    result: NDArray[Any] = cv2.remap(plane, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return result


@functools.lru_cache(maxsize=4)
def grid(height: int, width: int) -> NDArray[np.int64]:
    """The places of all pixels `(h, w, 2)`, x and y; one array for all of a size, not to be changed."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)


def _places(flow: Plane) -> Plane:
    return (grid(*flow.shape[:2]) + flow).astype(np.float32)


def _trust(here: NDArray[np.uint8], there: NDArray[np.uint8], places: Plane, back: Plane) -> Plane:
    height, width = here.shape
    again = sampled(back, places)
    missed = np.square((again - grid(height, width)) / _AGREES).sum(axis=-1)
    change = (here.astype(np.float32) - sampled(there.astype(np.float32), places)) / 2.55
    unlike = np.square((change - np.median(change)) / _LIKE)
    inside = ((places >= -0.5) & (places <= np.array([width, height]) - 0.5)).all(axis=-1)
    trust: Plane = (np.exp(-missed - unlike) * inside).astype(np.float32)
    return trust

"""Steady colours: those of nearby frames, carried along the optical flow."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from colorfuse.video.motion import Motion, Plane, sampled


@dataclass(frozen=True, eq=False)
class Predicted:
    """The predicted colours of a frame.

    Attributes:
        colors: `(h, w, 3)`: ab, and from 0 to 1 how certain they are.
        motion: That from the frame before; None for the first of a shot.
        frame: What the frame is known by to those who gave it.
    """

    colors: Plane
    motion: Motion | None
    frame: Any = None


@dataclass(frozen=True, eq=False)
class Steadied:
    """The steadied colours of a frame.

    Attributes:
        ab: `(h, w, 2)`.
        past: `(h, w, 3)`: what goes on to the next frame, ab times weight and weight.
        frame: As in `Predicted`.
    """

    ab: Plane
    past: Plane
    frame: Any = None


class State(NamedTuple):
    """What the first frame of a segment needs of those before it.

    Attributes:
        past: The colours that go on to the next frame, as in `Steadied`.
        gray: Lightness of the last frame at working size, 255 being 100.
    """

    past: Plane
    gray: NDArray[np.uint8]


def steadied(
    frames: Iterable[Predicted], steadiness: float, ahead: int, past: Plane | None = None
) -> Iterator[Steadied]:
    """Average each frame's colours with those of frames before and after it in its shot.

    Colours are carried from frame to frame along the flow. At each step, their weight falls by a factor of
    `steadiness`, and by how far the flow can be trusted; so colours do not leave the thing that they belong to, and
    new ones take over where the flow is lost. Frames weigh by how certain their colours are.

    Args:
        frames: The frames of one or more shots, in order.
        steadiness: From 0, which leaves each frame its own colours, up to but excluding 1.
        ahead: How many frames after each one to look at.
        past: What `Steadied.past` was for the frame before the first one, if its shot goes on.
    """
    waiting: deque[Predicted] = deque()
    for frame in frames:
        waiting.append(frame)
        if len(waiting) > ahead:
            found = _steady(waiting, steadiness, past)
            past = found.past
            yield found
    while waiting:
        found = _steady(waiting, steadiness, past)
        past = found.past
        yield found


def _steady(waiting: deque[Predicted], steadiness: float, past: Plane | None) -> Steadied:
    """Steady the first of the frames that wait, and take it away."""
    now = waiting.popleft()
    total = _weighted(now.colors)
    if now.motion is not None and past is not None:
        total = total + _carried(past, now.motion.back, steadiness * now.motion.trust_back)
    following = [(each.colors, each.motion) for each in takewhile(lambda each: each.motion is not None, waiting)]
    future = np.zeros_like(total)
    for colors, motion in reversed(following):
        assert motion is not None
        future = _carried(_weighted(colors) + future, motion.forth, steadiness * motion.trust_forth)
    whole = total + future
    return Steadied(whole[..., :2] / whole[..., 2:], total, now.frame)


def _weighted(colors: Plane) -> Plane:
    certainty = np.maximum(colors[..., 2:], 1e-6)
    return np.concatenate([colors[..., :2] * certainty, certainty], axis=-1)


def _carried(total: Plane, places: Plane, share: Plane) -> Plane:
    carried: Plane = sampled(total, places) * share[..., None]
    return carried

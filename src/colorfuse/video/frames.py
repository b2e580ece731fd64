"""What happens to the frames of a film: they are looked at, predicted, steadied and coloured."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from colorfuse.images import Photo, Pixels
from colorfuse.inference.obeying import obeying
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb, Rendered, render_checked
from colorfuse.inference.scaling import stack_hints
from colorfuse.inference.upsampling import color_photo
from colorfuse.video.film import Film, Frame
from colorfuse.video.motion import Motion, MotionEstimator
from colorfuse.video.plan import Plan
from colorfuse.video.steadying import Predicted, State, steadied
from colorfuse.video.tracking import draw_tracks
from colorfuse.video.working import at_working_size, gray_bytes

_BATCH = 4
"""Frames that the network sees at once: on two cores, it takes two thirds of the time of one after another."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame that was looked at.

    Attributes:
        index: Its number.
        pts: When it is shown.
        shot: The number of its shot.
        photo: It as a gray photo.
        small: L at working size `(1, 1, h, w)`.
        gray: The same as bytes `(h, w)`, 255 being 100.
        motion: The motion since the frame before; None at the start of a shot, and if colours are not steadied.
        drawn: Hints at working size `(1, 3, h, w)`, or None.
    """

    index: int
    pts: int
    shot: int
    photo: Photo
    small: Tensor
    gray: NDArray[np.uint8]
    motion: Motion | None
    drawn: Tensor | None


@dataclass(frozen=True, eq=False)
class Colored:
    """A frame with its colours, at working size or below, and what the next frame needs."""

    seen: Seen
    rendered: Rendered
    state: State | None


class Looker:
    """Looks at the frames of a film, one after another.

    Args:
        film: The film.
        predictor: Knows the working size.
        plan: Knows the shots and their marks.
        steady: Whether motion is wanted.
        before: The gray of the frame before the first one.
    """

    def __init__(
        self,
        film: Film,
        predictor: Predictor,
        plan: Plan,
        steady: bool,
        before: NDArray[np.uint8] | None,
    ) -> None:
        self._film = film
        self._predictor = predictor
        self._plan = plan
        self._motion = MotionEstimator() if steady else None
        self._before = before

    def __call__(self, frame: Frame) -> Seen:
        """Look at the next frame."""
        photo = self._film.photo(frame)
        small = at_working_size(photo, self._predictor)
        gray = gray_bytes(small)
        shot = self._plan.shot(frame.index)
        motion = None
        if self._motion and self._before is not None and frame.index != self._plan.cuts[shot]:
            motion = self._motion.between(self._before, gray)
        self._before = gray
        drawn = draw_tracks(self._plan.tracks.get(shot, ()), frame.index, gray.shape)
        return Seen(frame.index, frame.pts, shot, photo, small, gray, motion, drawn)


def predict(frames: Iterable[Seen], system_of: Callable[[int], RenderAb]) -> Iterator[tuple[Seen, Rendered, Tensor]]:
    """Predict the colours of frames in batches of a shot, with their certainty `(1, 1, h, w)`.

    Args:
        frames: The frames.
        system_of: Gives the system for a shot, by its number: L and hints to ab and certainty `(N, 3, h, w)`.
    """
    for shot, its in groupby(frames, key=lambda seen: seen.shot):
        while batch := list(islice(its, _BATCH)):
            hints = stack_hints([seen.drawn for seen in batch])
            found = render_checked(system_of(shot), torch.cat([seen.small for seen in batch]), hints, planes=3)
            for seen, colors, lightness in zip(batch, found.ab.split(1), found.lightness.split(1), strict=True):
                yield seen, Rendered(colors[:, :2], lightness), colors[:, 2:]


def steady(
    frames: Iterable[tuple[Seen, Rendered, Tensor]],
    predictor: Predictor,
    steadiness: float,
    ahead: int,
    state: State | None,
) -> Iterator[Colored]:
    """Steady the colours of frames, at working size."""

    def enlarged() -> Iterator[Predicted]:
        for seen, rendered, certainty in frames:
            size = seen.small.shape[-2:]
            ab = predictor.upsampling(*rendered, size[0])(seen.small, 0)
            sure = functional.interpolate(certainty, size, mode="bilinear")
            colors = torch.cat([ab, sure], dim=1)[0].movedim(0, -1).contiguous().numpy()
            yield Predicted(colors, seen.motion, seen)

    for found in steadied(enlarged(), steadiness, ahead, state and state.past):
        ab = torch.from_numpy(np.ascontiguousarray(found.ab)).movedim(-1, 0)[None]
        yield Colored(found.frame, Rendered(ab, found.frame.small), State(found.past, found.frame.gray))


def put_on(colored: Colored, predictor: Predictor) -> Pixels:
    """Put the colours on the frame at full size; those of hints are obeyed."""
    seen = colored.seen
    height, _, _ = seen.photo.pixels.shape
    colors = colored.rendered._replace(ab=predictor.saturation * colored.rendered.ab)
    if seen.drawn is None:
        rows = predictor.upsampling(*colors, height)
    else:
        rows = obeying(colors, seen.small, seen.drawn, predictor.upsampling, height)
    return color_photo(seen.photo, rows)

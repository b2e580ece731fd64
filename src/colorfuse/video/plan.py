"""What colours each shot of a film: its system, and marks that move."""

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.errors import HintsError
from colorfuse.hints import read_hints
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb
from colorfuse.video.film import Film
from colorfuse.video.options import System
from colorfuse.video.scan import Scan
from colorfuse.video.steering import by_frame
from colorfuse.video.tracking import Track, track
from colorfuse.video.working import at_working_size, gray_bytes

_REACH = 10_000
"""Frames before and after a marked one in which its marks are followed at most, which bounds memory for each."""


@dataclass(frozen=True)
class Plan:
    """What colours each shot.

    Attributes:
        cuts: The first frames of the shots.
        usual: The system of all shots that have none of their own.
        own: The systems of others, by the number of the shot.
        tracks: The marks of shots that have some.
    """

    cuts: Sequence[int]
    usual: RenderAb
    own: Mapping[int, RenderAb]
    tracks: Mapping[int, Sequence[Track]]

    def shot(self, index: int) -> int:
        """The number of the shot of a frame."""
        return _shot(self.cuts, index)

    def system(self, shot: int) -> RenderAb:
        """The system of a shot."""
        return self.own.get(shot, self.usual)


def make_plan(
    system: System,
    references: Mapping[Any, Any] | None,
    hints: Mapping[Any, Any] | None,
    predictor: Predictor,
    film: Film,
    scan: Scan,
    told: Callable[[int, int], object],
) -> Plan:
    """Read references and hints, and follow the marks through their shots.

    Args:
        system: The system of all shots without a reference.
        references: For times.
        hints: For times.
        predictor: Knows the working size.
        film: The film.
        scan: What is known of it.
        told: Called with how many of how many frames were looked at for hints.

    Raises:
        HintsError: A time is after the end, hints do not fit, or two references are for one shot.
        PhotoError: A reference cannot be read.
    """
    seconds, length = scan.seconds(film), scan.length(film)
    own: dict[int, RenderAb] = {}
    for index, each in by_frame(references, seconds, length).items():
        shot = _shot(scan.cuts, index)
        if shot in own:
            raise HintsError(
                f"two references are for the shot from {seconds[scan.cuts[shot]]:.2f} s on; give one for both, or a "
                "list of photos"
            )
        referring = system.with_reference(each, render_size=predictor.render_size)
        own[shot] = referring.render_with_certainty
    marked = by_frame(hints, seconds, length)
    return Plan(scan.cuts, system.render_with_certainty, own, _tracked(marked, predictor, film, scan, told))


def _shot(cuts: Sequence[int], index: int) -> int:
    return bisect.bisect_right(cuts, index) - 1


def _tracked(
    marked: Mapping[int, Any], predictor: Predictor, film: Film, scan: Scan, told: Callable[[int, int], object]
) -> dict[int, list[Track]]:
    """Follow the marks of frames through their shots, in one pass over the film."""
    tracks: dict[int, list[Track]] = {}
    shots = {_shot(scan.cuts, index) for index in marked}
    frames, ends = film.frames(), [*scan.cuts[1:], len(scan.times)]
    total = max((ends[shot] for shot in shots), default=0)
    done = 0
    for shot in sorted(shots):
        first, end = scan.cuts[shot], ends[shot]
        grays, drawn = dict[int, NDArray[np.uint8]](), dict[int, Tensor]()
        its = [index for index in marked if first <= index < end]
        for frame in islice(frames, first - done, end - done):
            if any(abs(frame.index - index) <= _REACH for index in its):
                photo = film.photo(frame)
                gray = grays[frame.index] = gray_bytes(at_working_size(photo, predictor))
                if frame.index in its:
                    hints = read_hints(marked[frame.index], photo)
                    hints = hints if predictor.weighs_opacity else hints.opaque()
                    drawn[frame.index] = hints.draw(film.size, gray.shape)
            told(frame.index + 1, total)
        done = end
        tracks[shot] = track({index: marks for index, marks in drawn.items() if marks[2].any()}, grays, _REACH)
    return tracks

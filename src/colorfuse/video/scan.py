"""A first look at a film: when each frame is shown, and where it is cut."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from colorfuse.files import atomic_file, write_errors
from colorfuse.video.film import Film, thumbnail_of
from colorfuse.video.shots import find_cuts

_SIDE = 96


class Scan(NamedTuple):
    """What is known of a film once all of it was decoded.

    Attributes:
        times: When each frame is shown, in the film's `time_base`.
        end: When the last one is over.
        cuts: The first frames of the shots.
        damaged: How many frames could not be decoded, or only in part.
    """

    times: list[int]
    end: int
    cuts: list[int]
    damaged: int

    def seconds(self, film: Film) -> list[float]:
        """When each frame is shown, in seconds from the start of the film on, where its sound may be before."""
        return [float(time * film.time_base - film.start) for time in self.times]

    def rate(self, film: Film) -> float:
        """Frames a second."""
        return len(self.times) / max(float((self.end - self.times[0]) * film.time_base), 1e-9)

    def length(self, film: Film) -> float:
        """How many seconds the film takes, up to the end of its last frame."""
        return float(self.end * film.time_base - film.start)


def scan(film: Film, told: Callable[[int], object]) -> Scan:
    """Decode a film, and find its cuts.

    Args:
        film: The film.
        told: Called with the number of frames so far.
    """
    times: list[int] = []
    last = 0

    def thumbnails() -> Iterator[NDArray[np.uint8]]:
        nonlocal last
        for frame in film.frames():
            times.append(frame.pts)
            last = frame.image.duration
            told(len(times))
            yield thumbnail_of(frame.image, _SIDE)

    film.damaged = 0
    cuts = find_cuts(thumbnails())
    return Scan(times, times[-1] + (last or film.step), cuts, film.damaged)


def scan_once(film: Film, note: Path, told: Callable[[int], object], when_full: str) -> Scan:
    """Scan a film, or read what an earlier scan has noted in a file."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(note.read_text())
        if known.pop("film") == film.identity:
            return Scan(**known)
    found = scan(film, told)
    with write_errors(note.parent, when_full), atomic_file(note) as partial:
        partial.write_text(json.dumps({"film": film.identity, **found._asdict()}))
    return found

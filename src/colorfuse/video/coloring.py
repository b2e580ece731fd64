"""Colouring of films."""

import contextlib
import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from colorfuse.errors import VideoError
from colorfuse.files import Claim, atomic_file, check_folder
from colorfuse.hints import read_hints
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.prefetching import prefetch
from colorfuse.inference.rendering import RenderAb
from colorfuse.memory import available_memory, memory_for
from colorfuse.video.encoding import Encoding
from colorfuse.video.film import Film
from colorfuse.video.frames import Colored, Looker, gray_bytes, predict, put_on, steady
from colorfuse.video.joining import check_can_be_written, join
from colorfuse.video.options import FilmReport, Options, Progress, System
from colorfuse.video.scan import Scan, scan_once
from colorfuse.video.segments import LENGTH, WHEN_FULL, Segment, Segments, State, folder_of
from colorfuse.video.steering import by_frame, read_times
from colorfuse.video.tracking import Track, track

_AHEAD = 6
"""Frames after each one that are looked at, a quarter of a second."""
_READ_AHEAD = 1
_REACH = 10_000
"""Frames before and after a marked one in which its marks are followed at most, which bounds memory."""


def color_film(
    system: System, path: Path, output: Path, options: Options, told: Callable[[Progress], object]
) -> FilmReport:
    """Colour a film, as `Colorizer.predict_video` does.

    Args:
        system: The colorizer.
        path: The film.
        output: The film to be.
        options: How.
        told: Called with the progress after each frame.
    """
    if not 0 <= options.steadiness < 1:
        raise ValueError(f"steadiness must be a number from 0 up to but excluding 1, not {options.steadiness}")
    predictor = system.predictor(options.saturation, options.upsample, options.render_size)
    if predictor.planes != 2:
        raise ValueError(f"{type(system).__name__} paints drawings, and no films")
    system.check_takes(options.hints or None)
    if output.resolve() == path.resolve():
        raise VideoError(f"{path} would be overwritten; choose another output")
    film = Film(path)
    encoding = Encoding.of(options.encoder, options.encoder_options, film.deep, film.size)
    check_can_be_written(film, encoding, output)
    check_folder(folder_of(output))
    claim = Claim(output)
    if not claim.is_mine:
        raise VideoError(f"{output} is being written by process {claim.holder or 'unknown'}; wait until it ends")
    try:
        with memory_for(*film.size, str(path)), _threads_shared():
            return _Coloring(system, predictor, film, encoding, output, options, told).run()
    finally:
        claim.release()


class _Coloring:
    """The colouring of one film: a look through all of it, its segments one by one, and their joining."""

    def __init__(
        self,
        system: System,
        predictor: Predictor,
        film: Film,
        encoding: Encoding,
        output: Path,
        options: Options,
        told: Callable[[Progress], object],
    ) -> None:
        self.predictor = predictor
        self.film = film
        self.encoding = encoding
        self.output = output
        self.options = options
        self.told = told
        self.scan = self._scanned()
        zero = self.scan.times[0]
        self.seconds = [float((time - zero) * film.time_base) for time in self.scan.times]
        self.length = float((self.scan.end - zero) * film.time_base)
        self.systems = self._systems(system)
        self.tracks = self._tracked()

    def run(self) -> FilmReport:
        """Colour what is missing, write the film, and remove the segments."""
        frames = len(self.scan.times)
        segments = Segments(self.output, self._fingerprint())
        first = segments.done(frames)
        colored = self._colored(first * LENGTH, segments.state(first))
        done = min(first * LENGTH, frames)
        rate = frames / max(self.length, 1e-9)
        self.told(Progress("colours", done, frames, rate))
        with contextlib.closing(colored):
            for index in range(first, -(-frames // LENGTH)):
                # The writer is outlived by the segment, whose file it writes to.
                with segments.written(index, self.film, self.encoding) as segment, _worker() as writer:
                    write = partial(_write, segment, self.predictor)
                    for _ in prefetch(writer, write, islice(colored, LENGTH), 1):
                        done += 1
                        self.told(Progress("colours", done, frames, rate))
        with segments.errors(), atomic_file(self.output) as whole:
            paths = segments.paths(-(-frames // LENGTH))
            join(self.film, paths, self.scan.times, self.scan.end, self.output, whole)
        segments.remove()
        return FilmReport(frames, len(self.scan.cuts), self.scan.damaged, self.length)

    def _colored(self, start: int, state: State | None) -> Generator[Colored, None, None]:
        """Look at the frames from `start` on, on a thread of its own, and predict and steady their colours."""
        if start >= len(self.scan.times):
            return
        before = None if state is None else state.gray
        steadiness = self.options.steadiness
        look = Looker(self.film, self.predictor, self.scan.cuts, self.tracks, bool(steadiness), before)
        with _worker() as reader:
            frames = islice(self.film.frames(start, self.scan.times), len(self.scan.times) - start)
            seen = prefetch(reader, look, frames, _READ_AHEAD)
            predicted = predict(seen, lambda shot: self.systems.get(shot, self.systems[-1]))
            if steadiness:
                yield from steady(predicted, self.predictor, steadiness, self._ahead(), state)
            else:
                yield from (Colored(seen, rendered, None) for seen, rendered, _ in predicted)

    def _ahead(self) -> int:
        height, width = self.film.size
        return max(1, min(_AHEAD, available_memory() // 4 // (height * width * (2 if self.film.deep else 1))))

    def _scanned(self) -> Scan:
        about = round(self.film.length * self.film.rate)
        return scan_once(
            self.film,
            folder_of(self.output) / "scan.json",
            lambda frames: self.told(Progress("cuts", frames, max(about, frames), float(self.film.rate))),
            WHEN_FULL,
        )

    def _systems(self, system: System) -> dict[int, RenderAb]:
        """The system of each shot that has its own reference, and under -1 that of all others."""
        size, reference = self.options.render_size, read_times(self.options.reference)
        if not isinstance(reference, Mapping):
            whole = system if reference is None else system.with_reference(reference, render_size=size)
            return {-1: whole.render_with_certainty}
        frames = by_frame(reference, self.seconds, self.length, "references")
        own = {self._shot(index): system.with_reference(each, render_size=size) for index, each in frames.items()}
        return {shot: each.render_with_certainty for shot, each in own.items()} | {-1: system.render_with_certainty}

    def _tracked(self) -> dict[int, list[Track]]:
        """Read the hints, and follow their marks through their shots."""
        tracks: dict[int, list[Track]] = {}
        for index, hints in by_frame(read_times(self.options.hints), self.seconds, self.length, "hints").items():
            shot = self._shot(index)
            cuts = [*self.scan.cuts, len(self.scan.times)]
            first, end = max(cuts[shot], index - _REACH), min(cuts[shot + 1], index + _REACH)
            grays = []
            for frame in islice(self.film.frames(first, self.scan.times), end - first):
                photo = self.film.photo(frame)
                small = self.predictor.shrink(photo.lightness()[None], self.predictor.render_size)
                grays.append(gray_bytes(small))
                if frame.index == index:
                    drawn = read_hints(hints, photo).draw(self.film.size, grays[-1].shape)
            tracks.setdefault(shot, []).append(track(drawn, grays, index, first))
        return tracks

    def _shot(self, index: int) -> int:
        return int(np.searchsorted(self.scan.cuts, index, side="right")) - 1

    def _fingerprint(self) -> dict[str, Any]:
        """What the segments depend on: the film, how it is encoded, and the colours of its first frame."""
        first = next(self.film.frames())
        small = self.predictor.shrink(self.film.photo(first).lightness()[None], self.predictor.render_size)
        stat = self.film.path.stat()
        return {
            "film": [str(self.film.path.resolve()), stat.st_size, stat.st_mtime_ns],
            "encoding": [self.encoding.codec, dict(self.encoding.options), self.encoding.pixels],
            "options": [self.options.steadiness, self.predictor.saturation, self.predictor.upsample],
            "systems": {str(shot): _digest(render(small).numpy()) for shot, render in self.systems.items()},
            "tracks": {
                str(shot): [[each.index, _digest(each.values.numpy()), _digest(each.places)] for each in its]
                for shot, its in self.tracks.items()
            },
        }


@contextlib.contextmanager
def _threads_shared() -> Iterator[None]:
    """Let this thread use half of torch's threads, since others read and write meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // 2))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _worker() -> ThreadPoolExecutor:
    """A thread beside this one, with as many of torch's threads."""
    return ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),))


def _write(segment: Segment, predictor: Predictor, colored: Colored) -> None:
    segment.add(put_on(colored, predictor), colored.seen.pts, colored.state)


def _digest(values: np.ndarray[Any, Any]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()

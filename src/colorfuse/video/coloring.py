"""Colouring of films."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from colorfuse.errors import NotFittedError, VideoError
from colorfuse.files import Claim, atomic_file, check_folder, is_same_file, remove_partial
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.prefetching import prefetch
from colorfuse.memory import available_memory, memory_for
from colorfuse.video.encoding import Encoding
from colorfuse.video.extra import import_extra
from colorfuse.video.film import Film
from colorfuse.video.fingerprint import fingerprint
from colorfuse.video.frames import Colored, Looker, predict, put_on, steady
from colorfuse.video.joining import check_can_be_written, join
from colorfuse.video.options import FilmReport, Options, Progress, System
from colorfuse.video.plan import Plan, make_plan
from colorfuse.video.scan import Scan, scan_once
from colorfuse.video.segments import LENGTH, WHEN_FULL, Segment, Segments, folder_of
from colorfuse.video.steadying import State
from colorfuse.video.steering import read_hint_times, read_times

_AHEAD = 6
"""Frames after each one that are looked at, a quarter of a second."""
_READ_AHEAD = 1


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
    hints, reference = read_hint_times(options.hints), read_times(options.reference)
    system.check_takes(hints or None)
    by_time = reference if isinstance(reference, Mapping) else None
    if reference is not None:
        usual = reference if by_time is None else _usual(system, by_time)
        system = system if usual is None else system.with_reference(usual, render_size=options.render_size)
    predictor = system.predictor(options.saturation, options.upsample, options.render_size)
    if predictor.planes != 2:
        raise ValueError(f"{type(system).__name__} paints drawings, and no films")
    import_extra("cv2")
    film, output = Film(path), output.absolute()  # FFmpeg takes what is before a colon for a protocol
    if output.is_dir() or is_same_file(output, path):
        kind = "is a folder" if output.is_dir() else "would be overwritten"
        raise VideoError(f"{output} {kind}; choose another output")
    encoding = Encoding.of(options.encoder, options.encoder_options, film.deep, film.size)
    check_can_be_written(film, encoding, output)
    check_folder(folder_of(output))
    claim = Claim(output)
    if not claim.is_mine:
        raise VideoError(f"{output} is being written by {claim.held_by}; wait until it ends")
    try:
        remove_partial(output.parent.iterdir())
        with memory_for(*film.size, str(path)), _threads_shared():
            scan = _scanned(film, output, told)
            rate = scan.rate(film)
            plan = make_plan(
                system,
                by_time,
                hints,
                predictor,
                film,
                scan,
                lambda done, total: told(Progress("hints", done, total, rate)),
            )
            segments = Segments(output, fingerprint(film, encoding, options.steadiness, predictor, plan, reference))
            _color(film, encoding, options.steadiness, predictor, plan, scan, segments, told)
            with film.opened() as source, segments.errors(), atomic_file(output) as whole:
                join(film, source, segments.paths(_count(scan)), scan.times, scan.end, output, whole)
            segments.remove()
    finally:
        claim.release()
    return FilmReport(len(scan.times), len(scan.cuts), scan.damaged, scan.length(film))


def _usual(system: System, by_time: Mapping[Any, Any]) -> Any:
    """The reference for shots that have none: the first, if the system has colours from references alone."""
    try:
        system.check_fitted()
    except NotFittedError:
        return next(iter(by_time.values()), None)
    return None


def _scanned(film: Film, output: Path, told: Callable[[Progress], object]) -> Scan:
    about = round(film.length * film.rate)
    return scan_once(
        film,
        folder_of(output) / "scan.json",
        lambda frames: told(Progress("cuts", frames, max(about, frames), float(film.rate))),
        WHEN_FULL,
    )


def _count(scan: Scan) -> int:
    """How many segments a film has."""
    return -(-len(scan.times) // LENGTH)


def _color(
    film: Film,
    encoding: Encoding,
    steadiness: float,
    predictor: Predictor,
    plan: Plan,
    scan: Scan,
    segments: Segments,
    told: Callable[[Progress], object],
) -> None:
    """Colour the segments that are missing."""
    frames = len(scan.times)
    rate = scan.rate(film)
    first = segments.done(frames)
    done = min(first * LENGTH, frames)
    told(Progress("colours", done, frames, rate))
    if done == frames:
        return
    with contextlib.closing(_colored(film, steadiness, predictor, plan, done, segments.state(first))) as colored:
        for index in range(first, _count(scan)):
            # The writer is outlived by the segment, whose file it writes to.
            with segments.written(index, film, encoding) as segment, _worker() as writer:
                write = partial(_write, segment, predictor)
                for _ in prefetch(writer, write, islice(colored, min(LENGTH, frames - done)), 1):
                    done += 1
                    told(Progress("colours", done, frames, rate))
                if done < min(frames, (index + 1) * LENGTH):
                    raise VideoError(f"{film.path} has {done} frames, of which there were {frames}; has it changed?")


def _colored(
    film: Film, steadiness: float, predictor: Predictor, plan: Plan, start: int, state: State | None
) -> Generator[Colored, None, None]:
    """Decode the frames from `start` on, look at them on another thread, and predict and steady their colours."""
    look = Looker(film, predictor, plan, bool(steadiness), None if state is None else state.gray)
    with _worker() as reader:
        predicted = predict(prefetch(reader, look, film.frames(start), _READ_AHEAD), plan.system)
        if steadiness:
            yield from steady(predicted, predictor, steadiness, _ahead(film), state)
        else:
            yield from (Colored(seen, rendered, None) for seen, rendered, _ in predicted)


def _ahead(film: Film) -> int:
    """How many frames to look ahead: fewer if they are large for the memory that is free."""
    height, width = film.size
    return max(1, min(_AHEAD, available_memory() // 4 // (height * width * (2 if film.deep else 1))))


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

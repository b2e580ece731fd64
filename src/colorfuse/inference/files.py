"""Batch colouring of files to files."""

import errno
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from colorfuse.errors import DataError, HintsError, PhotoError, first_few, message_of
from colorfuse.files import Claim, is_same_file, write_errors
from colorfuse.hints import Hints, HintSource, match_hints, read_hints
from colorfuse.images import SUFFIXES, Photo, PhotoSource, Pixels, read_photo, write_photo
from colorfuse.images.finding import find_photos_below
from colorfuse.inference.predictor import Outcome
from colorfuse.inference.prefetching import prefetch

_THREADS = 2
_NAMED = 10
_WHEN_FULL = "make room, and go on by the same command"
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Disk errors after which no other photo can be written either."""
_DEPTH = 1
"""Photos to read ahead, and to write behind, while one is coloured. Few, since scans may be large."""


class Task(NamedTuple):
    """A photo, the file to write its coloured version to, and the file of hints for it, if there is one."""

    source: Path
    target: Path
    hints: Path | None = None


class Result(NamedTuple):
    """The result of a task: the number of pixels, or an error, or that another process does the photo."""

    pixels: int
    error: str = ""
    by_another: bool = False


def list_tasks(photos: Path | Sequence[Path], output: Path, hints: Path | None = None) -> list[Task]:
    """List a task for each photo in some files and folders, in a fixed order, without those inside the output folder.

    Outputs have the names of the photos. If a photo's format cannot be written, `.png` is appended. If two outputs
    have the same name, a number is added to the later one; a warning names such photos of several files or folders.

    Args:
        photos: Files and folders.
        output: The folder to write to.
        hints: A folder of files of hints, which are named like the photos and lie at the same places.

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: There are no photos, or only such.
        HintsError: There are two files of hints for a photo, or none for any.
        ValueError: A photo would be overwritten.
    """
    roots, outputs = [photos] if isinstance(photos, Path) else photos, output.resolve()
    found = [each for each in find_photos_below(roots) if not _is_output(outputs, *each)]
    if not found:
        raise DataError(f"all photos are in {output}, to which they would be written; choose another output")
    targets: dict[Path, Path] = {}
    numbered: list[str] = []
    taken = {output / below for _, below in found if can_write(below)}
    seen: set[Path] = set()
    for path, below in found:
        target = output / below
        if not can_write(target) or target in seen:
            stem, ending = (target.with_suffix(""), target.suffix) if can_write(target) else (target, ".png")
            endings = chain([ending], (f"-{number}{ending}" for number in count(2)))
            names = (stem.with_name(stem.name + each) for each in endings)
            target = next(name for name in names if name not in taken)
            taken.add(target)
            numbered += [f"{path} as {target.name}"] if len(roots) > 1 and can_write(below) else []
        seen.add(target)
        targets[path] = target
    if numbered:
        few = first_few(numbered, _NAMED)
        warnings.warn(f"photos of one name get numbers, so give the same ones to go on: {few}", stacklevel=2)
    matched = match_hints(found, hints) if hints else [(path, None) for path, _ in found]
    return [Task(path, not_itself(path, targets[path]), its) for path, its in matched]


def _is_output(outputs: Path, path: Path, below: Path) -> bool:
    """Whether a photo, whose path below where the search began is given, was found in the output folder there."""
    began = path.parents[len(below.parts) - 1].resolve()
    inside = outputs != began and outputs.is_relative_to(began)
    return inside and path.resolve().is_relative_to(outputs)


def can_write(target: Path) -> bool:
    """Whether the suffix is that of a format that can be written."""
    return target.suffix.lower() in SUFFIXES


def is_there(target: Path) -> bool:
    """Whether a file exists; False if its name is too long."""
    try:
        return target.exists()
    except OSError:
        return False


def not_itself(photo: Path, target: Path) -> Path:
    """Check that the target is not the photo itself, and return it.

    Raises:
        ValueError: The target is the photo.
    """
    if is_same_file(target, photo):
        raise ValueError(f"{photo} would be overwritten; choose another output than where the photos are")
    return target


class _Read(NamedTuple):
    task: Task
    claim: Claim
    photo: Photo
    hints: Hints | None


class _Colored(NamedTuple):
    read: _Read
    pixels: Pixels


def colorize_files(
    color: Callable[[Iterable[tuple[PhotoSource, HintSource | None]]], Iterator[Outcome]],
    tasks: Iterable[Task],
    *,
    overwrite: bool = False,
    read: Callable[[Path], Photo] = read_photo,
) -> Iterator[Result]:
    """Colour photos in order; threads read the next photo and write the previous one meanwhile.

    If a photo cannot be read or written, it is skipped and its result says why. Files are written atomically, so an
    interrupted run can be repeated to do the missing ones. Several processes with the same tasks share the work.

    Args:
        color: Colours photos, each with its hints if there are any; what `Predictor.outcomes` does.
        tasks: The photos to read and the files to write.
        overwrite: Also colour photos whose targets exist.
        read: Reads a photo.

    Raises:
        ValueError: A target's suffix is not that of a writable format.
        Exception: What `color` says of a photo, if it is about more than this photo.
        OSError: The disk is full or read-only.
    """
    claims: set[Claim] = set()
    try:
        with ThreadPoolExecutor(_THREADS) as executor:
            read_task = partial(_read, read=read, overwrite=overwrite, claims=claims)
            colored = _color(color, prefetch(executor, read_task, tasks, _DEPTH))
            for result in prefetch(executor, _write, colored, _DEPTH):
                claims.difference_update([claim for claim in claims.copy() if not claim.is_mine])
                yield result
    finally:  # of those that were read or coloured ahead
        for claim in claims:
            claim.release()


def _read(task: Task, read: Callable[[Path], Photo], overwrite: bool, claims: set[Claim]) -> _Read | Result:
    try:
        with write_errors(task.target.parent, _WHEN_FULL):
            claim = Claim(task.target)
    except OSError as error:
        return _failed(task, error)
    if not claim.is_mine:
        return Result(0, by_another=True)
    claims.add(claim)
    try:
        if not overwrite and is_there(task.target):  # written since the tasks were listed
            claim.release()
            return Result(0, by_another=True)
        photo = read(task.source)
        return _Read(task, claim, photo, read_hints(task.hints, photo) if task.hints else None)
    except (PhotoError, HintsError, MemoryError, OSError) as error:
        claim.release()
        return Result(0, _described(task, error))


def _color(
    color: Callable[[Iterable[tuple[PhotoSource, HintSource | None]]], Iterator[Outcome]],
    all_read: Iterable[_Read | Result],
) -> Iterator[_Colored | Result]:
    """Colour the photos that were read; results of the others take their places among them."""
    waiting: deque[_Read | Result] = deque()

    def photos() -> Iterator[tuple[PhotoSource, HintSource | None]]:
        for read in all_read:
            waiting.append(read)
            if isinstance(read, _Read):
                yield read.photo, read.hints

    for outcome in color(photos()):
        while isinstance(read := waiting.popleft(), Result):
            yield read
        yield _colored(read, outcome)
    yield from (read for read in waiting if isinstance(read, Result))


def _colored(read: _Read, outcome: Outcome) -> _Colored | Result:
    if not isinstance(outcome.result, Exception):
        return _Colored(read, outcome.result)
    if not isinstance(outcome.result, HintsError | MemoryError):
        raise outcome.result
    read.claim.release()
    return Result(0, _described(read.task, outcome.result))


def _write(colored: _Colored | Result) -> Result:
    if isinstance(colored, Result):
        return colored
    (task, claim, photo, _), pixels = colored
    try:
        with write_errors(task.target.parent, _WHEN_FULL):
            write_photo(task.target, pixels, like=photo)
    except (PhotoError, MemoryError, OSError) as error:
        return _failed(task, error)
    finally:
        claim.release()
    return Result(pixels.shape[0] * pixels.shape[1])


def _failed(task: Task, error: Exception) -> Result:
    """Make the result of a photo that could not be written; re-raise if no other photo can be written either."""
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        raise error
    return Result(0, _described(task, error))


def _described(task: Task, error: Exception) -> str:
    """What an error says, with the photo that it is about."""
    said = message_of(error) or "there is not enough memory"
    return said if str(task.source) in said else f"{task.source}: {said}"

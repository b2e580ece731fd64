"""Files coloured one after another, each into a file of its own."""

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from colorfuse.errors import PhotoError
from colorfuse.files import Claim, write_errors
from colorfuse.images import SUFFIXES, Photo, Pixels, read_photo, write_photo
from colorfuse.images.finding import find_photos_below
from colorfuse.inference.prefetching import prefetch

_THREADS = 2
_WHEN_FULL = "make room, and go on by the same command"
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors after which no other photo can be written either."""
_DEPTH = 1
"""Photos that are read, and that are written, while one is coloured: few, since scans may be large."""


class Task(NamedTuple):
    """A photo, and the file to write it to in colour."""

    source: Path
    target: Path


class Result(NamedTuple):
    """A photo that is done: its size, or why it could not be coloured, or that another process colours it."""

    pixels: int
    error: str = ""
    by_another: bool = False


def list_tasks(photos: Path | Sequence[Path], output: Path) -> list[Task]:
    """A task for each photo of some files and folders, but for those below the output, in the same order each time.

    Outputs are named like the photos, those of formats that cannot be written with `.png` appended; of two that would
    be the same file, the later one is numbered.

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: There are no photos.
        ValueError: A photo would be overwritten.
    """
    roots, outputs = [photos] if isinstance(photos, Path) else photos, output.resolve()
    found = find_photos_below(roots)
    if outputs not in [root.resolve() for root in roots]:
        found = [(path, below) for path, below in found if not path.resolve().is_relative_to(outputs)]
    targets: dict[Path, Path] = {}
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
        seen.add(target)
        targets[path] = target
    return [Task(path, not_itself(path, target)) for path, target in targets.items()]


def can_write(target: Path) -> bool:
    """Whether the name ends like that of a format that can be written."""
    return target.suffix.lower() in SUFFIXES


def is_there(target: Path) -> bool:
    """Whether a file is there; one whose name is too long is not."""
    try:
        return target.exists()
    except OSError:
        return False


def not_itself(photo: Path, target: Path) -> Path:
    """The target, if it is not the photo.

    Raises:
        ValueError: It is.
    """
    if target.resolve() == photo.resolve():
        raise ValueError(f"{photo} would be overwritten; choose another output than where the photos are")
    return target


class _Read(NamedTuple):
    task: Task
    claim: Claim
    photo: Photo


class _Colored(NamedTuple):
    task: Task
    claim: Claim
    photo: Photo
    pixels: Pixels


def colorize_files(
    predict: Callable[[Photo], Pixels],
    tasks: Iterable[Task],
    *,
    overwrite: bool = False,
    read: Callable[[Path], Photo] = read_photo,
) -> Iterator[Result]:
    """Colour photos in their order by `predict`; meanwhile the next one is read and the last one written.

    A photo that cannot be read or written is passed over, and its result says why. Files are written whole, so that
    an interrupted run can go on with those that are missing. Several processes with the same tasks share them.

    Args:
        predict: Colours a photo.
        tasks: What to read and where to write it.
        overwrite: Also colour photos whose targets are there.
        read: Reads a photo.

    Raises:
        ValueError: A suffix cannot be written, or `predict` raises it.
        OSError: The disk is full, or cannot be written to.
    """
    with ThreadPoolExecutor(_THREADS) as executor:
        photos = prefetch(executor, partial(_read, read=read, overwrite=overwrite), tasks, _DEPTH)
        colored = map(partial(_predict, predict), photos)
        yield from prefetch(executor, _write, colored, _DEPTH)


def _read(task: Task, read: Callable[[Path], Photo], overwrite: bool) -> _Read | Result:
    try:
        with write_errors(task.target.parent, _WHEN_FULL):
            claim = Claim(task.target)
    except OSError as error:
        return _failed(task, error)
    if not claim.is_mine:
        return Result(0, by_another=True)
    try:
        if not overwrite and is_there(task.target):  # since the tasks were listed
            claim.release()
            return Result(0, by_another=True)
        return _Read(task, claim, read(task.source))
    except (PhotoError, MemoryError, OSError) as error:
        claim.release()
        return Result(0, str(error))
    except BaseException:
        claim.release()
        raise


def _predict(predict: Callable[[Photo], Pixels], read: _Read | Result) -> _Colored | Result:
    if isinstance(read, Result):
        return read
    try:
        return _Colored(*read, predict(read.photo))
    except MemoryError as error:
        read.claim.release()
        return Result(0, f"{read.task.source}: {error}")
    except BaseException:
        read.claim.release()
        raise


def _write(colored: _Colored | Result) -> Result:
    if isinstance(colored, Result):
        return colored
    task, claim, photo, pixels = colored
    try:
        with write_errors(task.target.parent, _WHEN_FULL):
            write_photo(task.target, pixels, like=photo)
    except (PhotoError, MemoryError, OSError) as error:
        return _failed(task, error)
    finally:
        claim.release()
    return Result(pixels.shape[0] * pixels.shape[1])


def _failed(task: Task, error: Exception) -> Result:
    """Why a photo could not be written; raised again where no other one can be either."""
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        raise error
    return Result(0, f"{task.source}: {error}")

"""Files coloured one after another, each into a file of its own."""

import errno
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from colorfuse.ahead import ahead
from colorfuse.data.finding import find_photos
from colorfuse.errors import PhotoError
from colorfuse.files import room_in
from colorfuse.images import SUFFIXES, Photo, Pixels, read_photo, write_photo

_THREADS = 2
_DEPTH = 1
"""Photos that are read, and that are written, while one is coloured: few, since scans may be large."""


class Task(NamedTuple):
    """A photo, and the file for what it is coloured to."""

    source: Path
    target: Path


class Colored(NamedTuple):
    """A photo that is done: its size, or why it could not be coloured."""

    pixels: int
    error: str = ""


def tasks_below(folder: Path, output: Path) -> list[Task]:
    """A task for each photo in a folder and below it, but for those below the output, in the same order each time.

    Outputs are called like the photos, those of formats that cannot be written with `.png` behind it; of two that
    would be the same file, the later one is numbered.

    Raises:
        FileNotFoundError: There is no folder.
        DataError: It has no photos.
        ValueError: A photo would be overwritten.
    """
    paths, outputs = find_photos(folder), output.resolve()
    if outputs != folder.resolve():
        paths = [path for path in paths if not path.resolve().is_relative_to(outputs)]
    targets = {path: output / path.relative_to(folder) for path in paths}
    taken = {target for target in targets.values() if can_write(target)}
    for path, target in targets.items():
        if not can_write(target):
            endings = chain([".png"], (f"-{number}.png" for number in count(2)))
            names = (target.with_name(target.name + ending) for ending in endings)
            targets[path] = next(name for name in names if name not in taken)
            taken.add(targets[path])
    return [Task(path, not_itself(path, target)) for path, target in targets.items()]


def can_write(target: Path) -> bool:
    """Whether the name ends like that of a format that can be written."""
    return target.suffix.lower() in SUFFIXES


def not_itself(photo: Path, target: Path) -> Path:
    """The target, if it is not the photo.

    Raises:
        ValueError: It is.
    """
    if target.resolve() == photo.resolve():
        raise ValueError(f"{photo} would be overwritten; choose another output than where the photos are")
    return target


class _Opened(NamedTuple):
    task: Task
    photo: Photo


class _Painted(NamedTuple):
    task: Task
    photo: Photo
    pixels: Pixels


def colorize_files(paint: Callable[[Photo], Pixels], tasks: Iterable[Task]) -> Iterator[Colored]:
    """Colour photos in their order by `paint`; while one is coloured, the next is read and the last one written.

    A photo that cannot be read or written is told of and passed over. What is written is whole, so that what was
    interrupted can be gone on with at the files that are not there.

    Raises:
        ValueError: A suffix cannot be written, or `paint` raises it.
        OSError: The disk is full.
    """
    with ThreadPoolExecutor(_THREADS) as executor:
        opened = ahead(executor, _open, tasks, _DEPTH)
        painted = map(partial(_paint, paint), opened)
        yield from ahead(executor, _write, painted, _DEPTH)


def _open(task: Task) -> _Opened | Colored:
    try:
        return _Opened(task, read_photo(task.source))
    except (PhotoError, MemoryError, OSError) as error:
        return Colored(0, str(error))


def _paint(paint: Callable[[Photo], Pixels], given: _Opened | Colored) -> _Painted | Colored:
    if isinstance(given, Colored):
        return given
    try:
        return _Painted(*given, paint(given.photo))
    except MemoryError as error:
        return Colored(0, f"{given.task.source}: {error}")


def _write(given: _Painted | Colored) -> Colored:
    if isinstance(given, Colored):
        return given
    task, photo, pixels = given
    try:
        with room_in(task.target.parent, "make room, and go on by the same command"):
            write_photo(task.target, pixels, like=photo)
    except (PhotoError, MemoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        return Colored(0, f"{task.source}: {error}")
    return Colored(pixels.shape[0] * pixels.shape[1])

"""Files coloured one after another, each into a file of its own."""

import errno
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from colorfuse.ahead import ahead
from colorfuse.colorizer import FusionColorizer
from colorfuse.errors import PhotoError
from colorfuse.images import Photo, Pixels, read_photo, write_photo

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


class _Opened(NamedTuple):
    task: Task
    photo: Photo


class _Painted(NamedTuple):
    task: Task
    photo: Photo
    pixels: Pixels


def colorize_files(colorizer: FusionColorizer, tasks: Iterable[Task], saturation: float = 1.0) -> Iterator[Colored]:
    """Colour photos in their order; while one is coloured, the next is read and the last one written.

    A photo that cannot be read or written is told of and passed over. What is written is whole, so that what was
    interrupted can be gone on with at the files that are not there.

    Raises:
        NotFittedError: There is no network yet.
        ValueError: The saturation is below 0, a suffix cannot be written, or the network's values are not finite.
        OSError: The disk is full.
    """
    with ThreadPoolExecutor(_THREADS) as executor:
        opened = ahead(executor, _open, tasks, _DEPTH)
        painted = map(partial(_paint, colorizer=colorizer, saturation=saturation), opened)
        yield from ahead(executor, _write, painted, _DEPTH)


def _open(task: Task) -> _Opened | Colored:
    try:
        return _Opened(task, read_photo(task.source))
    except (PhotoError, OSError) as error:
        return Colored(0, str(error))


def _paint(given: _Opened | Colored, colorizer: FusionColorizer, saturation: float) -> _Painted | Colored:
    if isinstance(given, Colored):
        return given
    return _Painted(*given, colorizer.predict(given.photo, saturation=saturation))


def _write(given: _Painted | Colored) -> Colored:
    if isinstance(given, Colored):
        return given
    task, photo, pixels = given
    try:
        write_photo(task.target, pixels, like=photo)
    except (PhotoError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        return Colored(0, str(error))
    return Colored(pixels.shape[0] * pixels.shape[1])

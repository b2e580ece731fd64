"""Pairing of photos with the hints for them."""

import itertools
import os
import warnings
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import Any

from colorfuse.errors import HintsError, first_few
from colorfuse.hints.hints import HintSource
from colorfuse.images import PhotoSource

SUFFIXES = (".json", ".ora", ".png", ".webp", ".tif", ".tiff")
"""Suffixes of files of hints, as a folder may hold them."""
_NAMED = 10


def pair_hints(
    photos: Iterable[PhotoSource], hints: Any, root: Path | None = None
) -> Iterator[tuple[PhotoSource, HintSource | None]]:
    """Pair photos with hints.

    Args:
        photos: The photos; paths if `hints` is a folder.
        hints: None for none; a folder of files named like the photos; or hints for each photo, or None for it.
        root: The folder of the photos, below which those of a folder of hints lie at the same places; None to match
            names alone.

    Raises:
        HintsError: There are more or fewer hints than photos; hints for all photos are given as one; or a folder has
            several files for a photo, or none for any.
    """
    if hints is None:
        return ((photo, None) for photo in photos)
    if isinstance(hints, str | os.PathLike):
        listed = list(photos)
        matched = dict(match_hints([(_path(photo), _below(_path(photo), root)) for photo in listed], Path(hints)))
        return ((photo, matched[_path(photo)]) for photo in listed if _path(photo) in matched)
    if isinstance(hints, dict) or not isinstance(hints, Iterable):
        raise HintsError("hints for several photos must be a folder, or a list with hints or None for each photo")
    if isinstance(photos, Sized) and isinstance(hints, Sized) and len(photos) != len(hints):
        raise HintsError(
            f"there are {len(photos)} photos and {len(hints)} hints; give hints, or None, for each photo"
        )
    return _zipped(photos, hints)


def match_hints(photos: Iterable[tuple[Path, Path]], folder: Path) -> list[tuple[Path, Path | None]]:
    """Match photos with the files of hints in a folder that are named like them, whatever their suffixes.

    Args:
        photos: Paths of photos, and the same relative to their own folder.
        folder: The folder of hints. Photos that were found in it by a search that began above it are left out, unless
            all were.

    Returns:
        The photos with their hints, or None for those without.

    Raises:
        HintsError: There are several files for a photo, or none for any.
    """
    if not folder.is_dir():
        raise HintsError(f"{folder} is no folder; hints for several photos are a folder, or a list with one a photo")
    listed = list(photos)
    others = [each for each in listed if not _was_found_in(folder, *each)]
    matched = [(photo, _find(folder, below, photo)) for photo, below in others or listed]
    if not any(found for _, found in matched):
        raise HintsError(f"{folder} has no hints for any of the photos; name each file like its photo")
    if len(listed) > 1 and not any(_is_in(folder, photo) for photo, _ in listed):
        _warn_of_others(folder, {found for _, found in matched if found} | {photo for photo, _ in listed})
    return matched


def _is_in(folder: Path, photo: Path) -> bool:
    return photo.resolve().is_relative_to(folder.resolve())


def _was_found_in(folder: Path, photo: Path, below: Path) -> bool:
    """Whether a photo, whose path below where the search began is given, is in a folder below that place."""
    if not _is_in(folder, photo):
        return False
    return len(photo.resolve().relative_to(folder.resolve()).parts) < len(below.parts)


def _warn_of_others(folder: Path, taken: set[Path]) -> None:
    """Warn of files in a folder of hints that are like no photo."""
    resolved = {path.resolve() for path in taken}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    others = [str(path.relative_to(folder)) for path in files if path.resolve() not in resolved]
    if others:
        few = first_few(others, _NAMED)
        warnings.warn(f"{len(others)} of the files in {folder} are named like no photo: {few}", stacklevel=4)


def _find(folder: Path, below: Path, photo: Path) -> Path | None:
    endings = [case for suffix in SUFFIXES for case in (suffix, suffix.upper())]
    names = [name for ending in endings for name in (below.with_suffix(ending), below.with_name(below.name + ending))]
    found: list[Path] = []
    others = [photo] if photo.exists() else []
    for path in (folder / name for name in names):
        # Where case does not matter, both cases name one file.
        if path.is_file() and not any(path.samefile(other) for other in (*others, *found)):
            found.append(path)
    if len(found) > 1:
        raise HintsError(f"{found[0]} and {found[1]} are both hints for {below}; remove one")
    return found[0] if found else None


def _path(photo: PhotoSource) -> Path:
    if not isinstance(photo, str | os.PathLike):
        raise HintsError("a folder of hints needs photos with names; give paths, or a list of hints")
    return Path(photo)


def _below(path: Path, root: Path | None) -> Path:
    return Path(path.name) if root is None else path.relative_to(root)


def _zipped(photos: Iterable[Any], hints: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    end = object()
    for index, (photo, its) in enumerate(itertools.zip_longest(photos, hints, fillvalue=end)):
        if photo is end or its is end:
            fewer, more = ("photos", "hints") if photo is end else ("hints", "photos")
            raise HintsError(f"there are more {more} than the {index} {fewer}; give hints, or None, for each photo")
        yield photo, its

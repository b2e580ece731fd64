"""Pairing of photos with the hints for them."""

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from colorfuse.errors import HintsError
from colorfuse.hints.hints import HintSource
from colorfuse.images import PhotoSource

SUFFIXES = (".json", ".ora", ".png", ".webp", ".tif", ".tiff")
"""Suffixes of files of hints, as a folder may hold them."""


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
        HintsError: There are more or fewer hints than photos, or hints for all photos are given as one.
        FileNotFoundError: There is no folder of hints.
    """
    if hints is None:
        return ((photo, None) for photo in photos)
    if isinstance(hints, str | os.PathLike):
        folder = Path(hints)
        if not folder.is_dir():
            raise HintsError(
                f"{folder} is no folder; hints for several photos are a folder, or a list with one a photo"
            )
        return ((photo, find_hints(folder, _below(photo, root))) for photo in photos)
    if isinstance(hints, dict) or not isinstance(hints, Iterable):
        raise HintsError("hints for several photos must be a folder, or a list with hints or None for each photo")
    return _zipped(photos, hints)


def find_hints(folder: Path, photo: Path) -> Path | None:
    """Find the file of hints in a folder that is named like a photo, whatever its suffix.

    Args:
        folder: The folder of hints.
        photo: The photo's path, relative to its own folder.

    Raises:
        HintsError: There are several.
    """
    found = [path for suffix in SUFFIXES if (path := folder / photo.with_suffix(suffix)).is_file()]
    if len(found) > 1:
        raise HintsError(f"{found[0]} and {found[1]} are both hints for {photo}; remove one")
    return found[0] if found else None


def _below(photo: PhotoSource, root: Path | None) -> Path:
    if not isinstance(photo, str | os.PathLike):
        raise HintsError("a folder of hints needs photos with names; give paths, or a list of hints")
    path = Path(photo)
    return Path(path.name) if root is None else path.relative_to(root)


def _zipped(photos: Iterable[Any], hints: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    end = object()
    for index, (photo, its) in enumerate(itertools.zip_longest(photos, hints, fillvalue=end)):
        if photo is end or its is end:
            which = "photos" if photo is end else "hints"
            raise HintsError(f"there are only {index} {which}; give hints, or None, for each photo")
        yield photo, its

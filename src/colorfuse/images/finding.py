"""Files of photos in folders."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from colorfuse.errors import DataError
from colorfuse.images import SUFFIXES

_FOUND = tuple(sorted({*SUFFIXES, ".avif", ".gif", ".jfif", ".jp2", ".pbm", ".pgm", ".tga"}))
"""How the names of photos end: those of formats that can be written, and others that Pillow reads."""


def find_photos(photos: str | Path | Sequence[str | Path]) -> list[Path]:
    """The photos in a folder and below it, sorted, or those of a list of files and folders, in its order.

    Files of a folder count by their suffix; hidden ones, and those in hidden folders, do not.

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: No photos are found.
    """
    return [path for path, _ in find_photos_below(photos)]


def find_photos_below(photos: str | Path | Sequence[str | Path]) -> list[tuple[Path, Path]]:
    """What `find_photos` finds, each with its path below the folder that was given."""
    roots = [Path(root) for root in ([photos] if isinstance(photos, str | Path) else photos)]
    found: dict[Path, Path] = {}  # each once, though one folder may lie below another
    for root in roots:
        if not root.exists():
            raise FileNotFoundError(f"{root} does not exist; give a photo or a folder of photos")
        paths = _photos_below(root) if root.is_dir() else [root]
        for path in paths:
            found.setdefault(path, path.relative_to(root if root.is_dir() else root.parent))
    if not found:
        where = ", ".join(map(str, roots)) or "an empty list"
        raise DataError(f"no photos in {where}; they are files that end in one of {', '.join(_FOUND)}")
    return list(found.items())


def _photos_below(folder: Path) -> list[Path]:
    """Sorted by path; linked folders are gone into as well, each once."""
    found: list[Path] = []
    entered: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_warn_of_folder):
        real = os.path.realpath(place)
        folders[:] = [] if real in entered else sorted(name for name in folders if not name.startswith("."))
        if real not in entered:
            found += [Path(place, name) for name in names if not name.startswith(".")]
        entered.add(real)
    return sorted(path for path in found if path.suffix.lower() in _FOUND and path.is_file())


def _warn_of_folder(error: OSError) -> None:
    warnings.warn(f"{error.filename} cannot be looked into and is passed over: {error.strerror}", stacklevel=4)

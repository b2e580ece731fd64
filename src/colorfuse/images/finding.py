"""Finding of photo files in folders."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from colorfuse.errors import DataError, first_few
from colorfuse.images.writing import SUFFIXES

_READ = {
    *SUFFIXES,
    *(
        ".apng",
        ".avif",
        ".dib",
        ".gif",
        ".j2k",
        ".jfif",
        ".jp2",
        ".jpe",
        ".jpx",
        ".pbm",
        ".pcx",
        ".pgm",
        ".pnm",
        ".psd",
    ),
    *(".sgi", ".tga"),
}
"""Suffixes of readable formats: those that can also be written, and others that Pillow reads."""

_BY_PLUG_INS = {".heic": "pillow-heif", ".heif": "pillow-heif", ".hif": "pillow-heif", ".jxl": "pillow-jxl-plugin"}
"""Suffixes of formats that Pillow reads with a plug-in, and the package to install and register."""

_OTHERS = {
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
    *(".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f"),  # camera raw
    *(".exr", ".hdr", ".jxr", ".kra", ".ora", ".psb", ".wdp", ".xcf"),
}
"""Suffixes of image formats that are not supported."""

FILM_SUFFIXES = {
    *(".avi", ".mkv", ".mov", ".mp4", ".m4v", ".mpeg", ".mpg", ".ts", ".mts", ".m2ts", ".vob", ".webm", ".ogv"),
    *(".3gp", ".asf", ".wmv", ".dv", ".flv", ".f4v", ".mxf", ".nut", ".y4m"),
}
"""Suffixes by which a file is taken for a film."""

_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8", b"RIFF", b"BM")
_NAMED = 10


def find_photos(photos: str | Path | Sequence[str | Path]) -> list[Path]:
    """Find photos in a folder, recursively and sorted, or in a list of files and folders, in the order of the list.

    In folders, files are selected by suffix; hidden files and folders are skipped. A warning counts and names the
    images that cannot be read, for example because their format is not supported.

    Raises:
        FileNotFoundError: A path does not exist.
        DataError: No photos are found.
    """
    return [path for path, _ in find_photos_below(photos)]


def find_photos_below(photos: str | Path | Sequence[str | Path]) -> list[tuple[Path, Path]]:
    """Find photos like `find_photos`, each with its path relative to the given folder."""
    roots = [Path(root) for root in ([photos] if isinstance(photos, str | Path) else photos)]
    found: dict[Path, Path] = {}  # each photo once, even if one given folder contains another
    for root in roots:
        if not root.exists():
            raise FileNotFoundError(f"{root} does not exist; give a photo or a folder of photos")
        paths = _photos_below(root) if root.is_dir() else [root]
        for path in paths:
            found.setdefault(path, path.relative_to(root if root.is_dir() else root.parent))
    if not found:
        where = ", ".join(map(str, roots)) or "an empty list"
        raise DataError(f"no photos in {where}; they are files that end in one of {', '.join(sorted(_read()))}")
    return list(found.items())


def _photos_below(folder: Path) -> list[Path]:
    """Find photos, sorted by path; symbolic links to folders are followed, but each folder is visited once."""
    found: list[Path] = []
    entered: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_warn_of_folder):
        real = os.path.realpath(place)
        folders[:] = [] if real in entered else sorted(name for name in folders if not name.startswith("."))
        if real not in entered:
            found += [Path(place, name) for name in names if not name.startswith(".")]
        entered.add(real)
    read = _read()
    photos = sorted(path for path in found if path.suffix.lower() in read and path.is_file())
    _warn_of_others(folder, sorted({*found} - {*photos}))
    return photos


def plug_in_for(name: str) -> str | None:
    """Name the package that Pillow needs to read a file with this suffix, or None."""
    return _BY_PLUG_INS.get(Path(name).suffix.lower())


def image_suffixes() -> set[str]:
    """Suffixes of the formats of images that are known, whether they can be read or not."""
    from PIL import Image

    return _READ | _BY_PLUG_INS.keys() | _OTHERS | Image.registered_extensions().keys()


def _read() -> set[str]:
    """Suffixes of the formats that can be read with the registered plug-ins."""
    from PIL import Image

    registered = {ending for ending, name in Image.registered_extensions().items() if name in Image.OPEN}
    return _READ | (registered & _BY_PLUG_INS.keys())


def _warn_of_others(folder: Path, others: list[Path]) -> None:
    """Warn of the images in a folder that are skipped, with the reasons."""
    reasons = [f"{path.relative_to(folder)} ({reason})" for path in others if (reason := _why_not(path))]
    if reasons:
        warnings.warn(f"{len(reasons)} files of {folder} are passed over: {first_few(reasons, _NAMED)}", stacklevel=5)


def _why_not(path: Path) -> str | None:
    """Say why a file that seems to be an image is skipped; None for other files."""
    suffix = path.suffix.lower()
    if path.is_symlink() and not path.exists() and suffix in (_READ | _BY_PLUG_INS.keys() | _OTHERS | {""}):
        return "a broken link"
    if suffix in _BY_PLUG_INS:
        return f"install {_BY_PLUG_INS[suffix]} and register it"
    if suffix in _OTHERS:
        return "convert it to TIFF or PNG"
    if suffix in FILM_SUFFIXES:
        return "a film; films are coloured one by one"
    if not suffix and path.is_file() and _starts_like_a_photo(path):
        return "no suffix"
    return None


def _starts_like_a_photo(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(_STARTS)
    except OSError:
        return False


def _warn_of_folder(error: OSError) -> None:
    warnings.warn(f"{error.filename} cannot be looked into and is passed over: {error.strerror}", stacklevel=4)

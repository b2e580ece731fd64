"""Names of the files that are saved."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from colorfuse.images.writing import SUFFIXES


def saved_name(name: str, suffix: str) -> str:
    """The name of a photo in colour, as in `album/scan-colored.png`."""
    path = PurePosixPath(name)
    stem = path.stem if path.suffix.lower() in SUFFIXES else path.name
    return str(path.with_name(f"{stem}-colored{suffix}"))


def different(names: Iterable[str]) -> list[str]:
    """The same names, those that occur again with a number."""
    taken: dict[str, None] = {}
    for name in names:
        path, number, other = PurePosixPath(name), 1, name
        while other in taken:
            number += 1
            other = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        taken[other] = None
    return list(taken)

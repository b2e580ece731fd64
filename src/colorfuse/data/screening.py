"""Screening of photos: finds those that have no colour or cannot be read."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from colorfuse.data.monochrome import Kind, find_monochrome
from colorfuse.errors import PhotoError
from colorfuse.images import open_rgb

_AT_LEAST = 64
_NAMED = 10


@dataclass
class LeftOut:
    """Photos that were left out of a dataset.

    Attributes:
        gray: Photos whose mean chroma is below the threshold.
        unreadable: Files that cannot be read, each with its error message.
        toned: Photos in a single tone, such as sepia.
    """

    gray: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    toned: list[Path] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.gray) + len(self.unreadable) + len(self.toned)

    def __str__(self) -> str:
        """Summarise in one line: count the gray and toned photos and name the unreadable ones."""
        named = [f"; {error}" for error in self.unreadable.values()]
        errors = "".join(named[:_NAMED]) + ("; ..." if len(named) > _NAMED else "")
        toned = f", {len(self.toned)} toned" if self.toned else ""
        return f"left out {len(self.gray)} gray{toned} and {len(self.unreadable)} unreadable photos{errors}"


def screen(paths: list[Path], min_chroma: float) -> LeftOut:
    """Read all photos at low resolution, and find those that are gray, toned or unreadable."""
    left_out = LeftOut()
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        kinds = threads.map(partial(_kind, min_chroma=min_chroma), paths)
        bar = tqdm(
            zip(paths, kinds, strict=True), "looking at photos", len(paths), unit="photo", leave=False, disable=None
        )
        for path, kind in bar:
            if isinstance(kind, Exception):
                left_out.unreadable[path] = str(kind)
            elif kind:
                (left_out.gray if kind == "gray" else left_out.toned).append(path)
    return left_out


def _kind(path: Path, min_chroma: float) -> Kind | Exception | None:
    try:
        return find_monochrome(open_rgb(path, at_least=_AT_LEAST), min_chroma)
    except (PhotoError, FileNotFoundError, PermissionError, MemoryError) as error:
        return error

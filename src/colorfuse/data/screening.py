"""Which photos of a pool there is no colour to learn from."""

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
        gray: Those whose mean chroma is below the threshold.
        unreadable: Those that cannot be read, each with its error.
        toned: Those in one tone, such as sepia.
    """

    gray: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    toned: list[Path] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.gray) + len(self.unreadable) + len(self.toned)

    def __str__(self) -> str:
        """One line that counts the gray and toned photos and names the unreadable ones."""
        named = [f"; {error}" for error in self.unreadable.values()]
        errors = "".join(named[:_NAMED]) + ("; ..." if len(named) > _NAMED else "")
        toned = f", {len(self.toned)} toned" if self.toned else ""
        return f"left out {len(self.gray)} gray{toned} and {len(self.unreadable)} unreadable photos{errors}"


def screen(paths: list[Path], min_chroma: float) -> LeftOut:
    """Read all photos, small, and find those that are gray or toned in fact or cannot be read."""
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

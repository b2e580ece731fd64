"""Which photos of a pool there is no colour to learn from."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from colorfuse.color import rgb_to_lab
from colorfuse.errors import PhotoError
from colorfuse.images import open_rgb

_SIDE = 64
_NAMED = 10


@dataclass
class LeftOut:
    """Photos that were left out of a dataset.

    Attributes:
        gray: Those whose mean chroma is below the threshold.
        unreadable: Those that cannot be read, each with its error.
    """

    gray: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.gray) + len(self.unreadable)

    def __str__(self) -> str:
        """One line that counts the gray photos and names the unreadable ones."""
        named = [f"; {error}" for error in self.unreadable.values()]
        errors = "".join(named[:_NAMED]) + ("; ..." if len(named) > _NAMED else "")
        return f"left out {len(self.gray)} gray and {len(self.unreadable)} unreadable photos{errors}"


def screen(paths: list[Path], min_chroma: float) -> LeftOut:
    """Read all photos, small, and find those that are gray in fact or cannot be read."""
    left_out = LeftOut()
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        chromas = threads.map(_chroma, paths)
        bar = tqdm(
            zip(paths, chromas, strict=True), "looking at photos", len(paths), unit="photo", leave=False, disable=None
        )
        for path, chroma in bar:
            if isinstance(chroma, Exception):
                left_out.unreadable[path] = str(chroma)
            elif chroma < min_chroma:
                left_out.gray.append(path)
    return left_out


def _chroma(path: Path) -> float | Exception:
    """The mean chroma of a photo in CIELAB units."""
    try:
        image = open_rgb(path, at_least=_SIDE)
    except (PhotoError, FileNotFoundError, PermissionError, MemoryError) as error:
        return error
    return mean_chroma(image)


def mean_chroma(image: Image.Image) -> float:
    """The mean chroma of an RGB image, looked at small, in CIELAB units."""
    small = image.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    lab = rgb_to_lab(torch.from_numpy(np.array(small)).movedim(-1, 0))
    return float(lab[1:].norm(dim=0).mean())

"""Dataset of Lab images in uint8 arrays, in the layout of the paper's dataset."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.data.archives import unpack
from colorfuse.data.bytes_dataset import BytesDataset
from colorfuse.data.lab_bytes import decode_lab
from colorfuse.errors import DataError, first_few
from colorfuse.sample import Sample

Rows: TypeAlias = NDArray[np.uint8]

LIGHTNESS_FILE = Path("l", "gray_scale.npy")
ABOUT_FILE = "pack.json"
"""The file that `pack` writes next to the arrays."""
_CHECKED_ROWS = 32


class LabArrays(BytesDataset):
    """Lab images in memory-mapped NumPy files of uint8, read on demand.

    The layout is that of the Kaggle dataset "Image Colorization" (shravankumar9892), which the paper trains on:
    `l/gray_scale.npy` `(N, H, W)`, and `ab/ab1.npy`, `ab/ab2.npy`, ... `(n, H, W, 2)`, which concatenated match the
    rows of L. `pack` converts any dataset to it. Downloaded `l.zip` and `ab.zip` in the folder are unpacked once.

    L is stored as L * 255 / 100, a and b as a + 128 and b + 128, all rounded.

    Args:
        root: The folder.

    Raises:
        FileNotFoundError: The folder or one of its files does not exist.
        DataError: A file is damaged or has another dtype, shape or coding, or the numbers of rows do not match.
        OSError: A zip file cannot be unpacked next to it.

    Example:
        >>> from colorfuse import PhotoArray, pack
        >>> folder = getfixture("tmp_path") / "packed"
        >>> packed = pack(PhotoArray(np.zeros((5, 40, 60, 3), np.uint8), image_size=32), folder)
        >>> lightness, ab = LabArrays(folder)[0]
        >>> lightness.shape, ab.shape
        (torch.Size([1, 32, 32]), torch.Size([2, 32, 32]))
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).resolve()
        for name in ("l", "ab"):
            unpack(self.root / f"{name}.zip", self.root / name)
        self._open()
        self._check()
        self.image_size = min(self._lightness.shape[1:])

    def __len__(self) -> int:
        return len(self._lightness)

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read samples as uint8 Lab `(N, 3, H, W)`."""
        lightness, ab = self.coded(indices)
        images = torch.empty(len(lightness), 3, *lightness.shape[1:], dtype=torch.uint8)
        images[:, 0] = torch.from_numpy(lightness)
        images[:, 1:] = torch.from_numpy(ab).movedim(-1, 1)
        return torch.stack([self.transform(image) for image in images]) if self.transform else images

    def decode(self, images: Tensor) -> Sample:
        """Decode uint8 Lab to L and ab."""
        return decode_lab(images[:, 0], images[:, 1:].movedim(1, -1))

    def coded(self, indices: Sequence[int]) -> tuple[Rows, Rows]:
        """Read rows as stored: L `(n, H, W)` and ab `(n, H, W, 2)` in uint8.

        Raises:
            IndexError: There is no such row.
            DataError: The size of a file changed since it was opened.
        """
        rows = np.asarray(indices)
        rows = np.where(rows < 0, rows + len(self), rows)
        beyond = np.asarray(indices)[(rows < 0) | (rows >= len(self))].tolist()
        if beyond:
            raise IndexError(f"{self.root} has {len(self)} rows, and no row {first_few([*map(str, beyond)], 3)}")
        files = np.searchsorted(self._ends, rows, side="right")
        # Reading a memory map beyond the end of a truncated file would kill the process.
        for path in (self._paths[0], *(self._paths[1 + file] for file in set(files.tolist()))):
            _check_whole(path, self._sizes[path])
        ab = [self._ab[file][row - self._starts[file]] for file, row in zip(files, rows, strict=True)]
        return self._lightness[rows], np.stack(ab)

    def __getstate__(self) -> dict[str, Any]:
        mapped = ("_lightness", "_ab")  # another process maps the files itself
        return {name: value for name, value in vars(self).items() if name not in mapped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def _open(self) -> None:
        self._paths = [_lightness_path(self.root), *_ab_paths(self.root)]
        self._lightness, *self._ab = (_map(path) for path in self._paths)
        self._sizes = {path: path.stat().st_size for path in self._paths}
        self._ends = np.cumsum([len(rows) for rows in self._ab])
        self._starts = self._ends - [len(rows) for rows in self._ab]

    def _check(self) -> None:
        if self._lightness.ndim != 3:
            raise DataError(f"{self._paths[0]} has shape {self._lightness.shape}; it must be (N, H, W)")
        count, *size = self._lightness.shape
        for path, rows in zip(self._paths[1:], self._ab, strict=True):
            if rows.shape[1:] != (*size, 2):
                raise DataError(f"{path} has shape {rows.shape}; it must be (n, {size[0]}, {size[1]}, 2)")
        if self._ends[-1] != count:
            parts = " + ".join(str(len(rows)) for rows in self._ab)
            raise DataError(f"{self.root} has {count} rows of L but {parts} = {self._ends[-1]} rows of ab")
        if (self.root / ABOUT_FILE).exists():  # written by `pack`, so the coding is known
            return
        _check_lightness(self._paths[0], self._lightness)
        for path, rows in zip(self._paths[1:], self._ab, strict=True):
            _check_ab(path, rows)


def _check_lightness(path: Path, rows: Rows) -> None:
    some = rows[:: len(rows) // _CHECKED_ROWS or 1, ::8, ::8]
    if len(some) >= _CHECKED_ROWS and some.max() <= 100:
        raise DataError(
            f"{path} is not coded as L * 255 / 100: no value is above {some.max()}; write it with colorfuse.pack"
        )


def _check_ab(path: Path, rows: Rows) -> None:
    """Reject ab that is far from gray in most pixels: it was probably stored without the offset of 128."""
    some = rows[:: max(1, len(rows) // _CHECKED_ROWS), ::8, ::8].astype(np.int16)
    distance = float(np.median(np.abs(some - 128)))
    if distance > 64:
        raise DataError(
            f"{path} is not coded as ab + 128: half of its values are more than {distance:.0f} away from 128; "
            "write it with colorfuse.pack"
        )


def _map(path: Path) -> Rows:
    try:
        rows = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is no whole .npy file: {error}; download or pack it again") from error
    if not isinstance(rows, np.memmap):
        raise DataError(f"{path} is no .npy file but a {type(rows).__name__}; download or pack it again")
    if rows.dtype != np.uint8:
        raise DataError(f"{path} has dtype {rows.dtype}; Lab is stored in uint8")
    if rows.ndim < 3 or 0 in rows.shape:
        raise DataError(f"{path} has shape {rows.shape}; L must be (N, H, W) and ab (n, H, W, 2)")
    _check_whole(path, rows.offset + rows.nbytes)
    return rows


def _check_whole(path: Path, size: int) -> None:
    if path.stat().st_size != size:
        raise DataError(f"{path} has {path.stat().st_size} bytes, not {size}; download or pack it again")


def _lightness_path(root: Path) -> Path:
    return _first_existing(root, LIGHTNESS_FILE, Path("l", LIGHTNESS_FILE))


def _ab_paths(root: Path) -> list[Path]:
    """List the files of ab in order of their numbers."""
    folder = _first_existing(root, Path("ab", "ab1.npy"), Path("ab", "ab", "ab1.npy")).parent
    numbered = {int(name[1]): path for path in folder.iterdir() if (name := re.fullmatch(r"ab(\d+)\.npy", path.name))}
    return [numbered[number] for number in sorted(numbered)]


def _first_existing(root: Path, *places: Path) -> Path:
    for place in places:
        if (root / place).exists():
            return root / place
    raise FileNotFoundError(f"{root / places[0]} does not exist; give the folder that holds l and ab, or their zips")

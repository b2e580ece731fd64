"""Any dataset, written once into the layout that `LabArrays` reads."""

import contextlib
import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset
from tqdm import tqdm

from colorfuse.data.coding import encode_lab
from colorfuse.data.lab_arrays import LIGHTNESS_FILE, LabArrays
from colorfuse.data.loading import create_loader
from colorfuse.data.photos import PhotoFolder
from colorfuse.data.transforms import fetch
from colorfuse.errors import DataError

VERSION = 1
_ABOUT = "pack.json"
_BATCH = 64


def pack(
    data: Dataset[Any], root: str | Path, *, rows_a_file: int = 10_000, num_workers: int | None = None
) -> LabArrays:
    """Write a dataset as arrays of Lab bytes, from which batches come many times as fast as from photos.

    The arrays grow in a folder beside `root`, which takes its place when they are whole. A packing that was killed
    goes on where it stopped when it is called again.

    Args:
        data: A map-style dataset of (L, ab), all of one size.
        root: The folder to write: `l/gray_scale.npy`, `ab/ab1.npy` and following, and `pack.json` with the size, the
            source, the count and the version of the format.
        rows_a_file: Photos in each file of ab.
        num_workers: Processes that read samples; by default half of the cores, at most 8, where processes are forked,
            and none elsewhere.

    Returns:
        The arrays, ready to train on.

    Raises:
        FileExistsError: `root` holds something else, or what another dataset was packed into.
        DataError: The dataset is empty, or a sample has another size than the first; the message gives its index.
        PhotoError: A photo cannot be read.
        OSError: There is no room left, say.

    Example:
        >>> from colorfuse import PhotoArray
        >>> photos = PhotoArray(np.zeros((5, 40, 60, 3), np.uint8), image_size=32)
        >>> len(pack(photos, getfixture("tmp_path") / "packed"))
        5
    """
    root = Path(root)
    about = _about(data)
    if _is_packed(root, about):
        return LabArrays(root)
    partial = root.with_name(f".{root.name}.partial")
    _begin(partial, about)
    writer = _RowWriter(partial, about["count"], about["size"], rows_a_file)
    bar = tqdm(total=about["count"], initial=writer.done, desc="packing", unit="photo", disable=None)
    with contextlib.closing(writer), bar:
        for lightness, ab in _coded_batches(data, writer.done, num_workers):
            _write(writer, lightness, ab, partial)
            bar.update(len(lightness))
    if root.exists():
        root.rmdir()
    partial.replace(root)
    return LabArrays(root)


def _write(writer: "_RowWriter", lightness: NDArray[np.uint8], ab: NDArray[np.uint8], folder: Path) -> None:
    try:
        writer.write(lightness, ab)
    except OSError as error:
        message = f"{folder} has no room for more than {writer.done} photos: {error.strerror}"
        raise OSError(error.errno, f"{message}; make room and pack again to go on") from error


def _about(data: Dataset[Any]) -> dict[str, Any]:
    count = len(data)  # type: ignore[arg-type]
    if not count:
        raise DataError(f"{type(data).__name__} is empty; there is nothing to pack")
    source = type(data).__name__
    if isinstance(data, PhotoFolder):
        names = "\n".join(map(str, data.paths))
        source += f" of {os.path.commonpath(data.paths)}, names {blake2b(names.encode(), digest_size=8).hexdigest()}"
    return {"version": VERSION, "count": count, "size": list(data[0][0].shape[-2:]), "source": source}


def _is_packed(root: Path, about: dict[str, Any]) -> bool:
    """Whether `root` holds all of this dataset already."""
    if not root.exists() or not any(root.iterdir()):
        return False
    try:
        same = json.loads((root / _ABOUT).read_text()) == about
    except (FileNotFoundError, ValueError):
        same = False
    if not same:
        raise FileExistsError(f"{root} holds something else than this dataset packed; choose another folder")
    return True


def _begin(partial: Path, about: dict[str, Any]) -> None:
    begun = partial / _ABOUT
    if begun.exists() and json.loads(begun.read_text()) != about:
        raise FileExistsError(f"{partial} was begun from another dataset; remove it, or pack that one")
    partial.mkdir(parents=True, exist_ok=True)
    with begun.open("w") as file:
        json.dump(about, file, indent=1)


class _Coded(Dataset[Any]):
    """Samples from `start` on, in bytes: a quarter of what would travel from a worker otherwise."""

    def __init__(self, data: Dataset[Any], start: int) -> None:
        self.data = data
        self.start = start

    def __len__(self) -> int:
        return len(self.data) - self.start  # type: ignore[arg-type]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        samples = fetch(self.data, [self.start + index for index in indices])
        size = samples[0][0].shape
        for index, (lightness, *_) in zip(indices, samples, strict=True):
            if lightness.shape != size:
                raise DataError(f"sample {self.start + index} has L of {tuple(lightness.shape)}, not {tuple(size)}")
        return [encode_lab(lightness, ab) for lightness, ab, *_ in samples]


def _coded_batches(
    data: Dataset[Any], start: int, workers: int | None
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    if start == len(data):  # type: ignore[arg-type]
        return
    for batch in create_loader(_Coded(data, start), _BATCH, workers):
        if isinstance(batch, Exception):
            raise batch
        yield batch[0].numpy(), batch[1].numpy()


class _RowWriter:
    """Appends rows to the files of a layout, from where a killed writer left them."""

    def __init__(self, root: Path, count: int, size: Sequence[int], rows_a_file: int) -> None:
        self.rows_a_file = rows_a_file
        self.lightness = _RowFile(root / LIGHTNESS_FILE, (count, *size))
        self.ab = [
            _RowFile(root / "ab" / f"ab{number}.npy", (min(rows_a_file, count - start), *size, 2))
            for number, start in enumerate(range(0, count, rows_a_file), start=1)
        ]
        self.done = min(self.lightness.done, sum(file.done for file in self.ab))
        self.lightness.cut(self.done)
        for number, file in enumerate(self.ab):
            file.cut(min(max(0, self.done - number * rows_a_file), len(file)))

    def write(self, lightness: NDArray[np.uint8], ab: NDArray[np.uint8]) -> None:
        """Append L `(n, H, W)` and ab `(n, H, W, 2)`."""
        self.lightness.append(lightness)
        while len(ab):
            file = self.ab[self.done // self.rows_a_file]
            room = len(file) - file.done
            file.append(ab[:room])
            self.done += min(room, len(ab))
            ab = ab[room:]

    def close(self) -> None:
        """Close all files."""
        for file in (self.lightness, *self.ab):
            file.close()


class _RowFile:
    """A `.npy` file whose rows are appended.

    They are written and not mapped: a full disk is then an error, where it kills a process that writes to a map.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        self.header, self.shape = header.getvalue(), shape
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.file = path.open("r+b", buffering=0)
        self.done = max(0, path.stat().st_size - len(self.header)) // math.prod(shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def cut(self, rows: int) -> None:
        """Keep that many rows, and write on behind them."""
        self.done = rows
        self._write(self.header)
        self.file.truncate(len(self.header) + rows * math.prod(self.shape[1:]))
        self.file.seek(0, io.SEEK_END)

    def append(self, rows: NDArray[np.uint8]) -> None:
        """Write rows behind the last."""
        self._write(np.ascontiguousarray(rows).data.cast("B"))
        self.done += len(rows)

    def close(self) -> None:
        self.file.close()

    def _write(self, values: bytes | memoryview) -> None:
        while values:
            values = values[self.file.write(values) :]

"""Conversion of any dataset to the layout of `LabArrays`."""

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Subset
from tqdm import tqdm

from colorfuse.data.bytes_dataset import check_is_dataset, find_bytes_dataset
from colorfuse.data.content import content_keys
from colorfuse.data.lab_arrays import ABOUT_FILE, LabArrays
from colorfuse.data.lab_bytes import encode_lab
from colorfuse.data.loading import Loader
from colorfuse.data.npy_files import RowWriter
from colorfuse.data.photos import PhotoFolder
from colorfuse.data.seeding import seeded
from colorfuse.data.transforms import get_samples, lab_of_sample
from colorfuse.errors import DataError
from colorfuse.files import Claim, atomic_file, write_errors

_VERSION = 1
_BATCH = 64
_SAMPLES_TO_KNOW_IT_BY = 16


def pack(
    data: Dataset[Any], root: str | Path, *, rows_a_file: int = 10_000, num_workers: int | None = None
) -> LabArrays:
    """Write a dataset as `LabArrays`, which load many times faster than photos.

    The arrays are written to a temporary folder next to `root`, which is renamed to `root` when complete. If packing
    is interrupted, call it again to resume.

    Args:
        data: A map-style dataset of (L, ab), all of one size.
        root: The folder to write: `l/gray_scale.npy`, `ab/ab1.npy` and following, and `pack.json` with the size, the
            source, a digest of its content, the count and the format version. Only one process may write it at a
            time.
        rows_a_file: Photos in each file of ab.
        num_workers: Worker processes that read samples. By default half of the cores, at most 8, on platforms that
            fork processes, and 0 on others.

    Returns:
        The arrays, ready to train on.

    Raises:
        FileExistsError: `root` holds something else, such as another dataset, or another process is packing into it.
        DataError: The dataset is empty or iterable, or a sample has another size than the first or values that are
            not finite; the message gives its index.
        ValueError: `rows_a_file` is below 1.
        PhotoError: A photo cannot be read.
        OSError: A file cannot be written, for example because the disk is full.

    Example:
        >>> from colorfuse import PhotoArray
        >>> photos = PhotoArray(np.zeros((5, 40, 60, 3), np.uint8), image_size=32)
        >>> len(pack(photos, getfixture("tmp_path") / "packed"))
        5
    """
    if rows_a_file < 1:
        raise ValueError(f"rows_a_file must be at least 1, not {rows_a_file}")
    root = Path(root).resolve()
    with write_errors(root.parent, "make room, and pack again"):
        claim = Claim(root)
    if not claim.is_mine:
        raise FileExistsError(f"{root} is being packed by {claim.held_by}; wait for it, or choose another folder")
    try:
        return _pack(data, root, rows_a_file, num_workers)
    finally:
        claim.release()


def _pack(data: Dataset[Any], root: Path, rows_a_file: int, num_workers: int | None) -> LabArrays:
    about = _about(data) | {"rows_a_file": rows_a_file}
    if _is_packed(root, about):
        return LabArrays(root)
    partial = root.with_name(f".{root.name}.partial")
    with write_errors(partial, "make room, and pack again"):
        _begin(partial, about)
        writer = RowWriter(partial, about["count"], about["size"], rows_a_file)
    with tqdm(total=about["count"], initial=writer.done, desc="packing", unit="photo", disable=None) as bar:
        for lightness, ab in _coded_batches(data, about["size"], writer.done, num_workers):
            with write_errors(partial, f"make room for more than {writer.done} photos, and pack again to go on"):
                writer.write(lightness, ab)
            bar.update(len(lightness))
    LabArrays(partial)
    if root.exists():
        root.rmdir()
    partial.replace(root)
    return LabArrays(root)


def _about(data: Dataset[Any]) -> dict[str, Any]:
    check_is_dataset(data)
    if isinstance(data, IterableDataset):
        raise DataError(f"{type(data).__name__} is an iterable dataset, whose samples have no places to go on from")
    count = len(data)  # type: ignore[arg-type]
    if not count:
        raise DataError(f"{type(data).__name__} is empty; there is nothing to pack")
    source = type(data).__name__
    if isinstance(data, PhotoFolder):
        source += f" of {os.path.commonpath([path.resolve() for path in data.paths])}"
    if getattr(data, "labels", None) is not None or getattr(data, "sample_weights", None) is not None:
        warnings.warn("labels and weights are not packed, only L and ab", stacklevel=4)
    with seeded(0):
        first = lab_of_sample(data[0])
    return {
        "version": _VERSION,
        "count": count,
        "size": list(first.shape[-2:]),
        "first": blake2b(first.numpy().tobytes(), digest_size=8).hexdigest(),
        "source": source,
        "content": _digest(data),
    }


def _digest(data: Dataset[Any]) -> str:
    """Hash the content of all photos, or of a few samples if the dataset is not a `BytesDataset`."""
    count = len(data)  # type: ignore[arg-type]
    if find_bytes_dataset(data)[0] is None:
        data = Subset(data, sorted({round(place) for place in np.linspace(0, count - 1, _SAMPLES_TO_KNOW_IT_BY)}))
    return blake2b(b"".join(content_keys(data)), digest_size=16).hexdigest()


def _is_packed(root: Path, about: dict[str, Any]) -> bool:
    """Whether `root` already holds this dataset, completely packed."""
    if not root.exists() or not any(root.iterdir()):
        return False
    try:
        same = _is_of(json.loads((root / ABOUT_FILE).read_text()), about)
    except (FileNotFoundError, ValueError):
        same = False
    if not same:
        raise FileExistsError(f"{root} holds something else than this dataset packed; choose another folder")
    return True


def _is_of(noted: Any, about: dict[str, Any]) -> bool:
    """Whether what was noted of packed arrays is of a dataset, wherever it lies.

    Version 0.1 did not note the first sample.
    """
    return bool({"first": about["first"]} | noted | {"source": about["source"]} == about)


def _begin(partial: Path, about: dict[str, Any]) -> None:
    begun = partial / ABOUT_FILE
    if begun.exists():
        if not _is_of(json.loads(begun.read_text()), about):
            raise FileExistsError(f"{partial} was begun from another dataset; remove it, or pack that one")
        return
    with atomic_file(begun) as file:
        file.write_text(json.dumps(about, indent=1))


class _Coded(Dataset[Any]):
    """Samples from `start` on, encoded in uint8 so that workers transfer a quarter of the data."""

    def __init__(self, data: Dataset[Any], size: Sequence[int], start: int) -> None:
        self.data = data
        self.size = tuple(size)
        self.start = start

    def __len__(self) -> int:
        return len(self.data) - self.start  # type: ignore[arg-type]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        samples = get_samples(self.data, [self.start + index for index in indices])
        return [self._coded(self.start + index, *sample[:2]) for index, sample in zip(indices, samples, strict=True)]

    def _coded(self, index: int, lightness: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
        shapes = tuple(lightness.shape), tuple(ab.shape)
        if shapes != ((1, *self.size), (2, *self.size)):
            raise DataError(f"sample {index} has L and ab of {shapes}, and the first one is of {self.size}")
        if not (lightness.isfinite().all() and ab.isfinite().all()):
            raise DataError(f"sample {index} has values that are not finite")
        return encode_lab(lightness, ab)


def _coded_batches(
    data: Dataset[Any], size: Sequence[int], start: int, workers: int | None
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    if start == len(data):  # type: ignore[arg-type]
        return
    for batch in Loader(_Coded(data, size, start), _BATCH, workers).epoch():
        yield batch.lightness.numpy(), batch.ab.numpy()

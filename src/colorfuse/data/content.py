"""Identification of samples by content, and detection of near-duplicates."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import Dataset, Subset
from tqdm import tqdm

from colorfuse.data.bytes_dataset import without_transform
from colorfuse.data.lab_arrays import LabArrays
from colorfuse.data.photos import PhotoArray, PhotoFolder, PhotoList
from colorfuse.data.transforms import lab_of_sample

_READ_OF_A_FILE = 1 << 20
_DISTANCE = 4


def content_keys(data: Dataset[Any]) -> list[bytes]:
    """Hash the content of each sample: a photo's file (its first megabyte and its size), or the sample's values."""
    if isinstance(data, Subset):
        keys = content_keys(data.dataset)
        return [keys[index] for index in data.indices]
    if isinstance(data, PhotoFolder):
        return [_key_of_file(path) for path in data.paths]
    if isinstance(data, PhotoArray):
        return [_key(photo) for photo in data.photos]
    if isinstance(data, PhotoList):
        return [_key(np.asarray(image)) for image in data.images]
    count = len(data)  # type: ignore[arg-type]  # torch's Dataset declares no __len__
    if isinstance(data, LabArrays):
        return [_key(*(rows[0] for rows in data.coded([index]))) for index in range(count)]
    return [_key(*lab_of_sample(data[index]).split([1, 2])) for index in range(count)]


def _key_of_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return _key(np.frombuffer(file.read(_READ_OF_A_FILE), np.uint8), np.array(path.stat().st_size))


def _key(*arrays: NDArray[Any]) -> bytes:
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def near_duplicates(data: Dataset[Any]) -> Iterator[tuple[int, int]]:
    """Find pairs of samples that look the same apart from scaling, recompression or a little brightness.

    Each sample is reduced to 9 x 8 pixels. The bits of its difference hash say whether a pixel is lighter than its
    neighbour. The hashes of a pair differ in at most 4 of 64 bits. Since photos with little detail may have similar
    hashes by chance, the reduced pixels must be similar too.
    """
    data = without_transform(data)
    count = len(data)  # type: ignore[arg-type]  # torch's Dataset declares no __len__
    if not count:
        return
    samples = tqdm(range(count), "looking for near-duplicates", unit="photo", leave=False, disable=None)
    small = np.stack([_thumbnail(data[index][0]) for index in samples])
    hashes = np.packbits((small[:, :, 1:] > small[:, :, :-1]).reshape(count, -1), axis=1)
    # Hashes that differ in fewer bits than they have bytes agree in at least one byte.
    for byte in range(8):
        order = np.argsort(hashes[:, byte], kind="stable")
        ends = np.flatnonzero(np.diff(hashes[order, byte].astype(int), append=-1)) + 1
        for members in np.split(order, ends[:-1]):
            for position, member in enumerate(members[:-1]):
                others = members[position + 1 :]
                differing = np.unpackbits(hashes[others] ^ hashes[member], axis=1).sum(axis=1)
                alike = others[differing <= _DISTANCE]
                yield from ((int(member), int(other)) for other in alike if _look_alike(small[member], small[other]))


def _look_alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether two thumbnails differ in little but brightness."""
    difference = one - other
    return bool(difference.std() <= 3 and abs(difference.mean()) <= 10)


def _thumbnail(lightness: torch.Tensor) -> NDArray[np.float32]:
    small: NDArray[np.float32] = functional.interpolate(lightness[None], (8, 9), mode="area")[0, 0].numpy()
    return small


def connected_components(pairs: Iterator[tuple[int, int]], count: int) -> Sequence[int]:
    """Label `count` samples so that those connected by pairs, directly or indirectly, have the same label."""
    leader = list(range(count))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for one, other in pairs:
        leader[find(one)] = find(other)
    return [find(index) for index in range(count)]

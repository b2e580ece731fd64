"""What a sample is by its content, wherever it stands in its dataset."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import Dataset, Subset

from colorfuse.data.lab_arrays import LabArrays
from colorfuse.data.photos import PhotoArray, PhotoFolder

_READ_OF_A_FILE = 1 << 20


def content_keys(data: Dataset[Any]) -> list[bytes]:
    """A key of the content of each sample: of a photo's file (its first megabyte and its size), or of its values."""
    if isinstance(data, Subset):
        keys = content_keys(data.dataset)
        return [keys[index] for index in data.indices]
    if isinstance(data, PhotoFolder):
        return [_key_of_file(path) for path in data.paths]
    if isinstance(data, PhotoArray):
        return [_key(photo) for photo in data.photos]
    count = len(data)  # type: ignore[arg-type]
    if isinstance(data, LabArrays):
        return [_key(*(rows[0] for rows in data.coded([index]))) for index in range(count)]
    return [_key(*(values.numpy() for values in data[index][:2])) for index in range(count)]


def _key_of_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return _key(np.frombuffer(file.read(_READ_OF_A_FILE), np.uint8), np.array(path.stat().st_size))


def _key(*arrays: NDArray[Any]) -> bytes:
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def near_duplicates(data: Dataset[Any], distance: int = 4) -> Iterator[tuple[int, int]]:
    """Pairs of samples that look the same: scaled, compressed again, a little brighter.

    Two photos are near-duplicates if at most `distance` of the 64 bits of their difference hashes differ: each says
    whether one of 9 x 8 pixels is lighter than its neighbour.
    """
    hashes = np.array([_difference_hash(data[index][0]) for index in range(len(data))])  # type: ignore[arg-type]
    # Of hashes that differ in fewer bits than there are bytes, one byte at least is the same.
    for byte in range(8):
        order = np.argsort(hashes[:, byte], kind="stable")
        ends = np.flatnonzero(np.diff(hashes[order, byte], append=-1)) + 1
        for members in np.split(order, ends[:-1]):
            yield from _pairs_within(hashes, members, distance)


def _pairs_within(hashes: NDArray[np.uint8], members: NDArray[np.intp], distance: int) -> Iterator[tuple[int, int]]:
    for position, member in enumerate(members[:-1]):
        others = members[position + 1 :]
        differing = np.unpackbits(hashes[others] ^ hashes[member], axis=1).sum(axis=1)
        yield from ((int(member), int(other)) for other in others[differing <= distance])


def _difference_hash(lightness: torch.Tensor) -> NDArray[np.uint8]:
    small = functional.interpolate(lightness[None], (8, 9), mode="area")[0, 0].numpy()
    return np.packbits(small[:, 1:] > small[:, :-1])


def joined(pairs: Iterator[tuple[int, int]], count: int) -> Sequence[int]:
    """A number of each of `count` samples that those share whom pairs join, directly or through others."""
    leader = list(range(count))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for one, other in pairs:
        leader[find(one)] = find(other)
    return [find(index) for index in range(count)]

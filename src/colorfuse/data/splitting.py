"""Splits of a dataset that stay stable when it grows."""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset, Subset

from colorfuse.data.bytes_dataset import check_is_dataset
from colorfuse.data.content import connected_components, content_keys, near_duplicates
from colorfuse.errors import DataError


def split(
    data: Dataset[Any],
    parts: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    *,
    near_duplicates_together: bool = False,
) -> list[Subset[Any]]:
    """Split a dataset by the content of its samples, and not by their position.

    The part of a sample depends only on a hash of its content and the seed. So a photo and its copies are always in
    the same part, and adding photos does not move others. The sizes of the parts are approximate. If a part would be
    empty, as in a small dataset, it takes a photo from another part.

    Args:
        data: A map-style dataset of (L, ab). A custom dataset must return the same values each time.
        parts: The fraction of samples in each part; they add up to 1.
        seed: Another seed gives another split.
        near_duplicates_together: Put photos that look the same in one part, at the cost of reading all photos. Adding
            a photo may then move those that look like it to another part.

    Returns:
        A `Subset` for each part; the parts are disjoint.

    Raises:
        TypeError: `data` is no dataset.
        DataError: It is an iterable dataset, or a sample is not L and ab.
        ValueError: The fractions are not positive or do not add up to 1, or there are fewer distinct photos than
            parts.

    Example:
        >>> from colorfuse import PhotoArray
        >>> photos = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3), np.uint8)
        >>> train, validation, test = split(PhotoArray(photos), (0.8, 0.1, 0.1), seed=0)
        >>> len(train) + len(validation) + len(test)
        100
    """
    parts = [float(part) for part in parts]
    if not parts or min(parts) <= 0 or not math.isclose(sum(parts), 1):
        raise ValueError(f"parts must be shares above 0 that add up to 1, not {tuple(parts)}")
    check_is_dataset(data)
    if isinstance(data, IterableDataset):
        raise DataError(
            f"{type(data).__name__} is an iterable dataset, which cannot be split; make one for each part, or write "
            "its photos to a folder"
        )
    keys = content_keys(data)
    if near_duplicates_together:
        keys = _shared_keys(keys, connected_components(near_duplicates(data), len(keys)))
    part_of = _parts_of_keys(sorted(set(keys)), parts, seed)
    return [
        Subset(data, [index for index, key in enumerate(keys) if part_of[key] == part]) for part in range(len(parts))
    ]


def _shared_keys(keys: list[bytes], groups: Sequence[int]) -> list[bytes]:
    """Give all members of a group the smallest of their keys."""
    least: dict[int, bytes] = {}
    for key, group in zip(keys, groups, strict=True):
        least[group] = min(key, least.get(group, key))
    return [least[group] for group in groups]


def _parts_of_keys(keys: list[bytes], parts: Sequence[float], seed: int) -> dict[bytes, int]:
    if len(keys) < len(parts):
        raise ValueError(
            f"{len(parts)} parts need as many different photos, and there {'is' if len(keys) == 1 else 'are'} "
            f"{len(keys)}; add photos, or hold none out"
        )
    ends = np.cumsum(parts)
    secret = blake2b(str(seed).encode(), digest_size=16).digest()
    draws = np.array([_draw(key, secret) for key in keys])
    chosen = np.searchsorted(ends[:-1], draws, side="right")
    for part, end in enumerate(ends):
        if not (chosen == part).any():  # move the sample with the nearest draw from a part with more than one
            spare = np.flatnonzero(np.bincount(chosen)[chosen] > 1)
            chosen[spare[np.abs(draws[spare] - end).argmin()]] = part
    return dict(zip(keys, chosen.tolist(), strict=True))


def _draw(key: bytes, secret: bytes) -> float:
    """Draw a number from 0 to 1 that depends only on the content and the hashed seed."""
    digest = blake2b(key, digest_size=8, key=secret).digest()
    return int.from_bytes(digest, "big") / 2**64

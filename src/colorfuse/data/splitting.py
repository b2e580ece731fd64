"""Parts of a dataset that stay what they are when it grows."""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from torch.utils.data import Dataset, Subset

from colorfuse.data.content import connected_components, content_keys, near_duplicates


def split(
    data: Dataset[Any],
    parts: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    *,
    near_duplicates_together: bool = False,
) -> list[Subset[Any]]:
    """Split a dataset by the content of its samples, and not by their position.

    Each sample draws its part from its own content and the seed. So a photo is always in the same part, with its
    copies, and photos that are added move no other one. The sizes of the parts are about what was asked for. Where
    photos are so few that a part would be empty, it is given one of another part.

    Args:
        data: A map-style dataset of (L, ab), which gives the same values each time if it is none of this library's.
        parts: The share of each part; they add up to 1.
        seed: Another seed gives another split.
        near_duplicates_together: Put photos that look the same in one part, at the price of reading all photos. A
            photo that is added may then bring those that look like it into another part.

    Returns:
        A `Subset` a part, which share no sample.

    Raises:
        ValueError: The shares are not positive or do not add up to 1, or there are fewer photos than parts.

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
    keys = content_keys(data)
    if near_duplicates_together:
        keys = _shared_keys(keys, connected_components(near_duplicates(data), len(keys)))
    part_of = _parts_of_keys(sorted(set(keys)), parts, seed)
    return [
        Subset(data, [index for index, key in enumerate(keys) if part_of[key] == part]) for part in range(len(parts))
    ]


def _shared_keys(keys: list[bytes], groups: Sequence[int]) -> list[bytes]:
    """One key a group, which is that of one of its members."""
    least: dict[int, bytes] = {}
    for key, group in zip(keys, groups, strict=True):
        least[group] = min(key, least.get(group, key))
    return [least[group] for group in groups]


def _parts_of_keys(keys: list[bytes], parts: Sequence[float], seed: int) -> dict[bytes, int]:
    if len(keys) < len(parts):
        raise ValueError(f"{len(keys)} different photos cannot be split in {len(parts)} parts; add photos")
    ends = np.cumsum(parts)
    secret = blake2b(str(seed).encode(), digest_size=16).digest()
    draws = np.array([_draw(key, secret) for key in keys])
    chosen = np.searchsorted(ends[:-1], draws, side="right")
    for part, end in enumerate(ends):
        if not (chosen == part).any():  # as in a small dataset: give it what came nearest, of a part with more
            spare = np.flatnonzero(np.bincount(chosen)[chosen] > 1)
            chosen[spare[np.abs(draws[spare] - end).argmin()]] = part
    return dict(zip(keys, chosen.tolist(), strict=True))


def _draw(key: bytes, secret: bytes) -> float:
    """A number from 0 to 1 that depends on the content and on what is made of the seed alone."""
    digest = blake2b(key, digest_size=8, key=secret).digest()
    return int.from_bytes(digest, "big") / 2**64

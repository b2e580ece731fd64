"""What hypothesis draws: colours, images, sizes."""

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torch import Tensor


def tensors(
    channels: int, dtype: torch.dtype = torch.float64, low: float = 0.0, high: float = 1.0
) -> st.SearchStrategy[Tensor]:
    """Floating tensors `(*, channels, H, W)` with up to two batch dimensions and values in `low` to `high`."""
    shapes = st.tuples(npst.array_shapes(min_dims=1, max_dims=2, max_side=3), st.integers(1, 5), st.integers(1, 5))
    values = st.floats(low, high, width=32, allow_subnormal=False)
    return shapes.flatmap(
        lambda shape: npst.arrays(np.float64, (*shape[0], channels, shape[1], shape[2]), elements=values)
    ).map(lambda array: torch.from_numpy(array).to(dtype))


def bytes_images(channels: int = 3) -> st.SearchStrategy[Tensor]:
    """Byte tensors `(channels, H, W)`."""
    sides = st.integers(1, 6)
    return st.tuples(sides, sides).flatmap(
        lambda size: npst.arrays(np.uint8, (channels, *size)).map(torch.from_numpy)
    )


def photo_arrays() -> st.SearchStrategy[Any]:
    """Photos as NumPy arrays of every dtype and shape that is one."""
    sides = st.integers(1, 40)
    shapes = st.tuples(sides, sides, st.sampled_from([(), (1,), (3,), (4,)])).map(lambda s: (s[0], s[1], *s[2]))
    kinds = [
        (np.uint8, st.integers(0, 255)),
        (np.uint16, st.integers(0, 65535)),
        (np.float32, st.floats(0, 1, width=32, allow_subnormal=False)),
    ]
    return (
        st.sampled_from(kinds)
        .flatmap(
            lambda kind: shapes.flatmap(lambda shape: npst.arrays(kind[0], shape, elements=kind[1], fill=kind[1]))
        )
        .filter(lambda photo: photo.dtype != np.uint16 or not 0 < photo.max() <= 255)
    )  # which looks like 8 bit


def damaged(originals: list[bytes]) -> st.SearchStrategy[bytes]:
    """One of some files with bytes changed, cut out, swapped or put in, once to eight times."""
    places = st.floats(0, 1, exclude_max=True)
    changes = st.one_of(
        st.tuples(st.just("set"), places, st.integers(0, 255)),
        st.tuples(st.just("flip"), places, st.integers(0, 7)),
        st.tuples(st.just("cut"), places, places),
        st.tuples(st.just("end"), places, st.none()),
        st.tuples(st.just("swap"), places, places),
        st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=8)),
    )
    return st.builds(_changed, st.sampled_from(originals), st.lists(changes, min_size=1, max_size=8))


def _changed(original: bytes, changes: list[tuple[str, float, Any]]) -> bytes:
    values = bytearray(original)
    for kind, place, detail in changes:
        # Half of the changes fall on the first bytes, where the formats keep what they are.
        span = len(values) if int(place * 1000) % 2 else min(len(values), 200)
        at = int(place * span)
        if kind == "set":
            values[at : at + 1] = bytes([detail])
        elif kind == "flip":
            values[at : at + 1] = bytes([byte ^ 1 << detail for byte in values[at : at + 1]])
        elif kind == "cut":
            del values[at : at + int(detail * 100)]
        elif kind == "end":
            del values[at:]
        elif kind == "swap":
            other = int(detail * span)
            values[at : at + 1], values[other : other + 1] = values[other : other + 1], values[at : at + 1]
        else:
            values[at:at] = detail
    return bytes(values)

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
    return st.sampled_from(kinds).flatmap(
        lambda kind: shapes.flatmap(lambda shape: npst.arrays(kind[0], shape, elements=kind[1], fill=kind[1]))
    )

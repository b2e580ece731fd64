"""What a dataset yields."""

from typing import TypeAlias

from torch import Tensor

Sample: TypeAlias = tuple[Tensor, Tensor]
"""L `(1, H, W)` in 0 to 100 and ab `(2, H, W)` in CIELAB units."""

"""The samples of a dataset, and the batches of a loader."""

from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

Sample: TypeAlias = tuple[Tensor, Tensor]
"""L `(1, H, W)` in 0 to 100 and ab `(2, H, W)` in CIELAB units."""


class Batch(NamedTuple):
    """A batch of samples.

    Attributes:
        lightness: L `(N, 1, H, W)` in 0 to 100.
        ab: `(N, 2, H, W)` in CIELAB units.
        labels: The third item of the samples, or None; for photos labelled by folder, class indices `(N,)`.
        hints: Simulated hints `(N, 3, H, W)`, ab in CIELAB units and a mask, or None.
        global_hints: Simulated global hints `(N, 316)`, or None.
    """

    lightness: Tensor
    ab: Tensor
    labels: Any = None
    hints: Tensor | None = None
    global_hints: Tensor | None = None

    def part(self, start: int, stop: int) -> "Batch":
        """The samples from `start` up to but excluding `stop`."""
        parts: list[Any] = [None if each is None else each[start:stop] for each in self]
        return Batch(*parts)

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
    """

    lightness: Tensor
    ab: Tensor
    labels: Any = None

    def part(self, start: int, stop: int) -> "Batch":
        """The samples from `start` up to but excluding `stop`."""
        labels = None if self.labels is None else self.labels[start:stop]
        return Batch(self.lightness[start:stop], self.ab[start:stop], labels)

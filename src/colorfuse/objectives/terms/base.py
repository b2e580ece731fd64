"""What every extra term does, and the registry of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from colorfuse.registry import Registry
from colorfuse.sample import Batch


class Term(nn.Module, ABC):
    """A part of the loss beside the objective's, in training alone.

    A term is bound to the network that is trained, and then called with each batch.

    Attributes:
        needs_labels: Whether batches must have labels.
        watches: Paths of modules of the network, as `named_modules()` has them, whose output the term needs.
    """

    needs_labels: bool = False
    watches: tuple[str, ...] = ()

    def bind(self, network: nn.Module, classes: int | None) -> None:
        """Make ready for a `FusionNetwork`, and for labels of so many classes, if there are labels."""

    @abstractmethod
    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """What is added to the loss, a scalar.

        Args:
            batch: What is learnt from.
            colors: The ab `(N, 2, H, W)` that is predicted for it.
            given: What modules gave that are watched, by their paths, those of other terms among them.
        """


terms: Registry[Term] = Registry("term")
register_term, list_terms = terms.register, terms.names

"""The base class of extra terms, and their registry."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from colorfuse.registry import Registry
from colorfuse.sample import Batch


class Term(nn.Module, ABC):
    """A term that is added to the objective's loss, in training only.

    A term is bound to the network before training, and then called with each batch.

    Attributes:
        needs_labels: Whether batches must have labels.
        watches: Paths of the modules whose outputs the term needs, as in the network's `named_modules()`.
    """

    needs_labels: bool = False
    watches: tuple[str, ...] = ()

    def bind(self, network: nn.Module, classes: int | None) -> None:
        """Prepare for a `FusionNetwork` and the number of label classes, which is None without labels."""

    @abstractmethod
    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """Compute the scalar that is added to the loss.

        Args:
            batch: The training batch.
            colors: The ab `(N, 2, H, W)` predicted for the batch.
            given: Outputs of all watched modules by path, including those that other terms watch.
        """


terms: Registry[Term] = Registry("term")
register_term = terms.register


def list_terms(pattern: str = "*") -> list[str]:
    """The names of all terms that match a shell-style pattern, sorted.

    They are those of colorfuse, of installed packages, and of `register_term`.

    Example:
        >>> import colorfuse
        >>> "colorfulness" in colorfuse.list_terms()
        True
    """
    return terms.names(pattern)

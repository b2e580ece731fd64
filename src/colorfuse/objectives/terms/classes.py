"""Terms of a head beside the network's decoder, which classifies what a map of the network shows."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.errors import DataError
from colorfuse.network.hooks import captured_outputs, eval_mode
from colorfuse.objectives.base import sampled
from colorfuse.objectives.bins import grid_bins, soft_cross_entropy
from colorfuse.objectives.terms.base import Term, terms
from colorfuse.options import Count, Positive
from colorfuse.sample import Batch


@terms.register("image_classes")
class ImageClasses(Term):
    """Cross-entropy of the photo's class, by a linear layer over the mean of the coarsest map.

    After Iizuka, Simo-Serra and Ishikawa 2016, *Let there be color!*, section 3.3. The map is the last of the
    backbone, or of the encoder where there is no backbone. Labels are those of the photos' sub-folders, or the third
    entry of a dataset's samples.

    Args:
        weight: In the loss; the paper's is 1/300.
        classes: How many there are; None for those of the photos' sub-folders.
    """

    needs_labels = True

    def __init__(self, weight: Positive = 1 / 300, classes: Count | None = None) -> None:
        super().__init__()
        self.weight = weight
        self.classes = classes

    def bind(self, network: Any, classes: int | None) -> None:
        """Add the head.

        Raises:
            DataError: How many classes there are is not known.
        """
        count = self.classes or classes
        if not count:
            raise DataError(
                "the term 'image_classes' needs photos with labels: a folder with sub-folders, or a dataset of "
                "(L, ab, label) and the option 'classes'"
            )
        if classes and classes > count:
            raise DataError(f"the photos have {classes} classes, more than classes={count}; leave the option out")
        watched = "backbone" if network.backbone.maps else "encoder"
        self.watches = (watched,)
        self.head = nn.Linear(network.get_submodule(watched).maps[-1].channels, count)

    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """The weighted cross-entropy.

        Raises:
            DataError: The batch has no labels.
        """
        if not isinstance(batch.labels, Tensor) or batch.labels.is_floating_point():
            raise DataError(f"the term 'image_classes' needs whole numbers as labels, not {batch.labels!r}")
        maps = given[self.watches[0]]
        logits = self.head(maps[-1].mean(dim=(-2, -1)))
        return self.weight * functional.cross_entropy(logits.float(), batch.labels)


@terms.register("color_classes")
class ColorClasses(Term):
    """Cross-entropy of 529 colours, by a 1 x 1 convolution over a map of the network.

    The head that Zhang et al. 2017, *Real-time user-guided image colorization with learned deep priors*, have beside
    their decoder.

    Args:
        weight: In the loss. The cross-entropy is 6.3 before anything is learnt, and a squared error of ab / 127.5
            hundreds of times smaller.
        at: Path of the module that gives the map, as in `network_.named_modules()`.
    """

    bins: Tensor

    def __init__(self, weight: Positive = 1e-4, at: str = "decoder.blocks.0") -> None:
        super().__init__()
        self.weight = weight
        self.watches = (at,)
        self.register_buffer("bins", grid_bins(), persistent=False)

    def bind(self, network: nn.Module, classes: int | None) -> None:
        """Add the head.

        Raises:
            ValueError: The network has no such module, or it does not run, or gives no map.
        """
        with eval_mode(network), captured_outputs(network, self.watches) as given:
            network(torch.zeros(1, 1, 64, 64).to(next(network.parameters())))
        (seen,) = given.values()
        if not isinstance(seen, Tensor) or seen.ndim != 4:
            raise ValueError(f"the term 'color_classes' needs a module that gives a map, not {self.watches[0]!r}")
        self.head = nn.Conv2d(seen.shape[1], len(self.bins), 1)

    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """The weighted cross-entropy."""
        logits = self.head(given[self.watches[0]])
        entropies, _ = soft_cross_entropy(logits, sampled(batch.ab, logits), self.bins)
        return self.weight * entropies.mean()

"""Terms with an auxiliary classification head on one of the network's maps."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.errors import DataError
from colorfuse.network.hooks import captured_outputs, eval_mode
from colorfuse.objectives.base import subsampled
from colorfuse.objectives.bins import grid_bins, soft_cross_entropy
from colorfuse.objectives.terms.base import Term, terms
from colorfuse.options import Count, Positive
from colorfuse.sample import Batch


@terms.register("image_classes")
class ImageClasses(Term):
    """Cross-entropy of the photo's class, predicted by a linear layer from the mean of the coarsest map.

    After Iizuka, Simo-Serra and Ishikawa 2016, *Let there be color!*, section 3.3. The map is the last of the
    backbone, or of the encoder if there is no backbone. Labels are the photos' sub-folders, or the third entry of a
    dataset's samples.

    Args:
        weight: Weight in the loss; the paper uses 1/300.
        classes: Number of classes; None for the number of sub-folders.
    """

    needs_labels = True

    def __init__(self, weight: Positive = 1 / 300, classes: Count | None = None) -> None:
        super().__init__()
        self.weight = weight
        self.classes = classes

    def bind(self, network: Any, classes: int | None) -> None:
        """Add the head.

        Raises:
            DataError: The number of classes is unknown, or smaller than in the photos.
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
        """Compute the weighted cross-entropy.

        Raises:
            DataError: The batch has no labels, or others than those of the classes.
        """
        if not isinstance(batch.labels, Tensor) or batch.labels.is_floating_point():
            raise DataError(f"the term 'image_classes' needs whole numbers as labels, not {batch.labels!r}")
        beyond = (batch.labels < 0) | (batch.labels >= self.head.out_features)
        if beyond.any():
            raise DataError(
                f"labels must be from 0 to below classes={self.head.out_features}, not {batch.labels[beyond][0]}"
            )
        maps = given[self.watches[0]]
        logits = self.head(maps[-1].mean(dim=(-2, -1)))
        return self.weight * functional.cross_entropy(logits.float(), batch.labels)


@terms.register("color_classes")
class ColorClasses(Term):
    """Cross-entropy over 529 colours, predicted by a 1 x 1 convolution from a map of the network.

    The auxiliary head of Zhang et al. 2017, *Real-time user-guided image colorization with learned deep priors*.

    Args:
        weight: Weight in the loss. The cross-entropy is 6.3 before training; a squared error of ab / 127.5 is
            hundreds of times smaller.
        at: Path of the module that returns the map, as in `network_.named_modules()`.
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
            ValueError: The network has no such module, or the module does not run or does not return a map.
        """
        with eval_mode(network), captured_outputs(network, self.watches) as given:
            network(torch.zeros(1, 1, 64, 64).to(next(network.parameters())))
        (seen,) = given.values()
        if not isinstance(seen, Tensor) or seen.ndim != 4:
            raise ValueError(f"the term 'color_classes' needs a module that gives a map, not {self.watches[0]!r}")
        self.head = nn.Conv2d(seen.shape[1], len(self.bins), 1)

    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """Compute the weighted cross-entropy."""
        logits = self.head(given[self.watches[0]])
        entropies, _ = soft_cross_entropy(logits, subsampled(batch.ab, logits), self.bins)
        return self.weight * entropies.mean()

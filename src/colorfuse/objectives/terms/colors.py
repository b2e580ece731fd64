"""Terms computed from the coloured photo."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.backbones import create_backbone
from colorfuse.color import lab_to_rgb
from colorfuse.metrics import colorfulness
from colorfuse.objectives.terms.base import Term, terms
from colorfuse.options import Positive
from colorfuse.registry import Spec
from colorfuse.sample import Batch


@terms.register("perceptual")
class PerceptualDistance(Term):
    """Squared distance between a backbone's maps of the coloured photo and of the true one.

    The maps are normalised to unit length at each position; their squared differences are averaged over positions and
    summed over maps (Zhang, Isola, Efros, Shechtman, Wang 2018, *The unreasonable effectiveness of deep features as a
    perceptual metric*, without the learnt weights; after Johnson, Alahi, Fei-Fei 2016, *Perceptual losses*).

    Args:
        weight: Weight of the distance in the loss.
        backbone: Spec of the backbone, which is frozen.
        pretrained: Use its published weights; random weights make little sense.

    Raises:
        WeightsError: The published weights cannot be obtained.
    """

    def __init__(self, weight: Positive = 0.1, backbone: Spec = "vgg16", pretrained: bool = True) -> None:
        super().__init__()
        self.weight = weight
        self.backbone = create_backbone(backbone, pretrained=pretrained, frozen=True)

    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """Compute the weighted distance."""
        with torch.no_grad():
            wanted = self.backbone(_rgb(batch.lightness, batch.ab))
        predicted = self.backbone(_rgb(batch.lightness, colors))
        distances = [
            (functional.normalize(ours, dim=1) - functional.normalize(theirs, dim=1)).square().sum(dim=1).mean()
            for ours, theirs in zip(predicted, wanted, strict=True)
        ]
        return self.weight * torch.stack(distances).sum()


@terms.register("colorfulness")
class Colorfulness(Term):
    """Penalty on pale photos: 1 minus a hundredth of their colourfulness.

    Kang, Yang, Ouyang, Ren, Li, Xie 2023, *DDColor*, section 3.4, with the measure of Hasler and Suesstrunk.

    Args:
        weight: Weight in the loss.
    """

    def __init__(self, weight: Positive = 0.01) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """Compute the weighted penalty, averaged over photos."""
        return self.weight * (1 - colorfulness(_rgb(batch.lightness, colors)).float().mean() / 100)


def _rgb(lightness: Tensor, ab: Tensor) -> Tensor:
    return lab_to_rgb(torch.cat([lightness.float(), ab.float()], dim=1))

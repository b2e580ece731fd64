"""An adversarial term, whose discriminator learns to tell true colours from predicted ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from colorfuse.color.plane import AB_SCALE
from colorfuse.objectives.terms.base import Term, terms
from colorfuse.options import Count, Positive
from colorfuse.sample import Batch


@terms.register("adversarial")
class Adversarial(Term):
    """Least-squares adversarial loss of a patch discriminator.

    After Isola et al. 2017, *Image-to-image translation with conditional adversarial networks*, section 3.2, and Mao
    et al. 2017, *Least squares generative adversarial networks*. The discriminator uses spectral normalisation
    (Miyato et al. 2018), since normalising its feature maps would hide how strong the colours are. It sees L and ab,
    and is trained in the same step. Its output for predicted colours trains the network, through detached weights of
    the discriminator; its own loss trains the discriminator alone.

    Args:
        weight: Weight of the network's adversarial loss; the discriminator's own loss is not weighted.
        widths: Widths of the discriminator's convolutions; each one except the last halves the map.
    """

    def __init__(self, weight: Positive = 0.01, widths: Sequence[Count] = (64, 128, 256, 512)) -> None:
        super().__init__()
        self.weight = weight
        self.discriminator = nn.Sequential()
        channels = 3
        for index, width in enumerate(widths):
            stride = 2 if index < len(widths) - 1 else 1
            convolution = nn.Conv2d(channels, width, 4, stride, padding=1)
            self.discriminator.extend([spectral_norm(convolution), nn.LeakyReLU(0.2, inplace=True)])
            channels = width
        self.discriminator.append(spectral_norm(nn.Conv2d(channels, 1, 4, padding=1)))

    def forward(self, batch: Batch, colors: Tensor, given: Mapping[str, Any]) -> Tensor:
        """Compute the weighted adversarial loss of the network plus the discriminator's loss."""
        fixed = {name: weights.detach() for name, weights in self.discriminator.named_parameters()}
        fooled: Tensor = functional_call(self.discriminator, fixed, (_seen(batch.lightness, colors),))
        false = self.discriminator(_seen(batch.lightness, colors.detach()))
        true = self.discriminator(_seen(batch.lightness, batch.ab))
        error: Tensor = 0.5 * ((true - 1).square().mean() + false.square().mean())
        asked: Tensor = self.weight * (fooled - 1).square().mean()
        return asked + error


def _seen(lightness: Tensor, ab: Tensor) -> Tensor:
    seen: Tensor = torch.cat([lightness / 50 - 1, ab / AB_SCALE], dim=1)
    return seen

"""Objectives that predict how likely each of a number of colours is."""

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from colorfuse.color.plane import gamut_bins
from colorfuse.objectives.base import Objective, objectives, sampled
from colorfuse.objectives.bins import SIGMA, count_nearest, soft_cross_entropy
from colorfuse.options import Count, Positive

Reading = Literal["annealed_mean", "mean", "mode", "sample"]


@objectives.register("classification")
class ColorClassification(Objective):
    """Cross-entropy over 313 colours, rare ones counting for more.

    The objective of Zhang, Isola and Efros 2016, *Colorful image colorization*, sections 2.1 to 2.3. The planes are
    logits. A true colour is spread over the five bins nearest to it; its loss is weighted by how rare its nearest bin
    is among the photos trained on, so that the mean weight of a pixel is 1.

    Args:
        rebalance: The share of the uniform distribution that is mixed into that of the photos before it is inverted:
            1 gives all colours the same weight. The paper's is 0.5.
        reading: How the distribution of a pixel is read as a colour: "annealed_mean", "mean", "mode", or "sample",
            which draws one from it.
        temperature: Of the annealed mean: 1 gives the mean, and towards 0 it becomes the mode.
        saturation: A factor of a mean, which is paler than the colours that it is of.
        stride: How many pixels, across and down, share one distribution.
    """

    bins: Tensor
    weights: Tensor

    def __init__(
        self,
        rebalance: Annotated[float, Field(gt=0, le=1)] = 0.5,
        reading: Reading = "annealed_mean",
        temperature: Positive = 0.38,
        saturation: Positive = 1.0,
        stride: Count = 4,
    ) -> None:
        super().__init__()
        self.register_buffer("bins", gamut_bins().clone(), persistent=False)
        self.register_buffer("weights", torch.ones(len(self.bins)))
        self.planes = len(self.bins)
        self.activation = nn.Identity()
        self.rebalance = rebalance
        self.reading = reading
        self.temperature = temperature
        self.saturation = saturation
        self.stride = stride

    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """The loss of logits `(N, 313, h, w)` against ab `(N, 2, H, W)` in CIELAB units."""
        entropies, nearest = soft_cross_entropy(planes, sampled(ab, planes), self.bins)
        return (self.weights[nearest] * entropies).mean()

    def read(self, planes: Tensor) -> Tensor:
        """The ab `(N, 2, h, w)` in CIELAB units of logits `(N, 313, h, w)`."""
        logits = planes.float()
        if self.reading == "mode":
            return self._colors_of(logits)
        if self.reading == "sample":  # the largest of logits with Gumbel noise is drawn with their probability
            return self._colors_of(logits - torch.empty_like(logits).exponential_().log())
        anneal = 1.0 if self.reading == "mean" else self.temperature
        return torch.einsum("nqhw,qc->nchw", (logits / anneal).softmax(dim=1), self.saturation * self.bins)

    def observe(self, colors: Iterable[Tensor]) -> None:
        """Weigh the bins by how rare they are among ab `(N, 2, H, W)` of photos to train on (section 2.2)."""
        counts = torch.stack([count_nearest(ab, self.bins) for ab in colors]).sum(dim=0)
        kernel = torch.exp(-(torch.cdist(self.bins, self.bins) ** 2) / (2 * SIGMA**2))
        smoothed = (counts / counts.sum()) @ (kernel / kernel.sum(dim=1, keepdim=True))
        rarity = 1 / ((1 - self.rebalance) * smoothed + self.rebalance / self.planes)
        self.weights = rarity / (smoothed @ rarity)

    def _colors_of(self, scores: Tensor) -> Tensor:
        return self.bins[scores.argmax(dim=1)].movedim(-1, 1)

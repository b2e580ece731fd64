"""Objectives that predict, for each pixel, a distribution over a set of colours."""

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from colorfuse.color.plane import gamut_bins
from colorfuse.objectives.base import Distribution, Objective, objectives, subsampled
from colorfuse.objectives.bins import SIGMA, count_nearest, soft_cross_entropy
from colorfuse.options import Count, Positive

Reading = Literal["annealed_mean", "mean", "mode", "sample"]


@objectives.register("classification")
class ColorClassification(Objective):
    """Cross-entropy over 313 colours, with rare colours weighted more.

    The objective of Zhang, Isola and Efros 2016, *Colorful image colorization*, sections 2.1 to 2.3. The planes are
    logits. Each true colour is spread over its five nearest bins. The loss of a pixel is weighted by how rare its
    nearest bin is in the training photos; the mean weight of a pixel is 1.

    Args:
        rebalance: Share of the uniform distribution that is mixed into the photos' colour distribution, whose inverse
            gives the weights. 1 weights all colours equally; the paper uses 0.5.
        reading: How a pixel's distribution becomes a colour: "annealed_mean", "mean", "mode", or "sample", which
            draws a colour from it.
        temperature: Temperature of the annealed mean: 1 gives the mean, and values near 0 approach the mode.
        saturation: Factor applied to the mean or annealed mean, since averaging makes colours paler.
        stride: `stride` x `stride` pixels share one distribution.
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
        """Compute the loss of logits `(N, 313, h, w)` against ab `(N, 2, H, W)` in CIELAB units."""
        entropies, nearest = soft_cross_entropy(planes, subsampled(ab, planes), self.bins)
        return (self.weights[nearest] * entropies).mean()

    def read(self, planes: Tensor) -> Tensor:
        """Convert logits `(N, 313, h, w)` to ab `(N, 2, h, w)` in CIELAB units."""
        logits = planes.float()
        if self.reading == "mode":
            return self._colors_of(logits)
        if self.reading == "sample":  # the argmax of logits plus Gumbel noise is a sample
            return self._colors_of(logits - torch.empty_like(logits).exponential_().log())
        anneal = 1.0 if self.reading == "mean" else self.temperature
        return torch.einsum("nqhw,qc->nchw", (logits / anneal).softmax(dim=1), self.saturation * self.bins)

    def distribution(self, planes: Tensor) -> Distribution:
        """Convert logits `(N, 313, h, w)` to distributions over the bins."""
        return Distribution(self.bins, planes.float().softmax(dim=1))

    def observe(self, colors: Iterable[Tensor]) -> None:
        """Weight the bins by their rarity in the training photos' ab `(N, 2, H, W)` (section 2.2)."""
        counts = torch.stack([count_nearest(ab, self.bins) for ab in colors]).sum(dim=0)
        kernel = torch.exp(-(torch.cdist(self.bins, self.bins) ** 2) / (2 * SIGMA**2))
        smoothed = (counts / counts.sum()) @ (kernel / kernel.sum(dim=1, keepdim=True))
        rarity = 1 / ((1 - self.rebalance) * smoothed + self.rebalance / self.planes)
        self.weights = rarity / (smoothed @ rarity)

    def _colors_of(self, scores: Tensor) -> Tensor:
        return self.bins[scores.argmax(dim=1)].movedim(-1, 1)

"""Objectives that predict histograms of hue and chroma."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.objectives.base import Distribution, Objective, objectives
from colorfuse.options import Count

Reading = Literal["expectation", "median"]

LARGEST_CHROMA = 134.0
"""Upper end of the histogram of chroma: the chroma of sRGB's blue, rounded up."""

_WINDOW = 7
_HUE_WEIGHT = 5.0
_FADED_BELOW = 0.03


@objectives.register("histogram")
class HueChromaHistograms(Objective):
    """Divergence from the histograms of hue and chroma around each pixel.

    The objective of Larsson, Maire and Shakhnarovich 2016, *Learning representations for automatic colorization*,
    sections 3.2 to 3.4. The planes are logits, first of hue, then of chroma. The true histograms are taken over the
    7 x 7 pixels around each pixel. The loss is the Kullback-Leibler divergence of chroma plus five times that of hue.
    The hue term is multiplied by the chroma, scaled to 0 to 1, since the hue of a gray pixel means nothing. Hue and
    chroma are the angle and the length of ab in CIELAB, not those of HSL as in the paper.

    Args:
        bins: Number of bins of each histogram.
        reading: How a chroma histogram becomes a chroma: "median", the paper's choice, or "expectation". Hue is the
            angle of the mean of the hues as points on a circle.
        fading: Lower the chroma where that mean is close to the circle's centre, where the hue is uncertain.
        stride: `stride` x `stride` pixels share their histograms.
    """

    hues: Tensor
    chromas: Tensor

    def __init__(
        self,
        bins: Annotated[int, Field(ge=2)] = 32,
        reading: Reading = "median",
        fading: bool = True,
        stride: Count = 4,
    ) -> None:
        super().__init__()
        centers = (torch.arange(bins) + 0.5) / bins
        self.register_buffer("hues", 2 * math.pi * centers - math.pi, persistent=False)
        self.register_buffer("chromas", LARGEST_CHROMA * centers, persistent=False)
        self.bins = bins
        self.planes = 2 * bins
        self.activation = nn.Identity()
        self.reading = reading
        self.fading = fading
        self.stride = stride

    def forward(self, planes: Tensor, ab: Tensor) -> Tensor:
        """Compute the loss of logits `(N, 2 bins, h, w)` against ab `(N, 2, H, W)` in CIELAB units."""
        a, b = ab.float().unbind(dim=1)
        chroma = torch.hypot(a, b)
        with torch.no_grad():
            hue_of = self._histogram(torch.atan2(b, a) / (2 * math.pi) + 0.5, planes)
            chroma_of = self._histogram(chroma / LARGEST_CHROMA, planes)
            colored = functional.interpolate(
                chroma[:, None] / LARGEST_CHROMA, planes.shape[-2:], mode="nearest-exact"
            )
        hue_logs, chroma_logs = (logits.log_softmax(dim=1) for logits in planes.float().chunk(2, dim=1))
        hue, chroma = (
            torch.xlogy(true, true).sum(dim=1) - (true * logs).sum(dim=1)
            for true, logs in ((hue_of, hue_logs), (chroma_of, chroma_logs))
        )
        return (chroma + _HUE_WEIGHT * colored[:, 0] * hue).mean()

    def read(self, planes: Tensor) -> Tensor:
        """Convert logits `(N, 2 bins, h, w)` to ab `(N, 2, h, w)` in CIELAB units."""
        hues, chromas = (logits.softmax(dim=1) for logits in planes.float().chunk(2, dim=1))
        circle = torch.stack([self.hues.cos(), self.hues.sin()], dim=1)
        mean = torch.einsum("nkhw,kc->nchw", hues, circle)
        length = torch.linalg.vector_norm(mean, dim=1, keepdim=True)
        fade = (length / _FADED_BELOW).clamp(max=1) if self.fading else 1.0
        ab: Tensor = mean / length.clamp(min=1e-9) * fade * self._chroma_of(chromas)
        return ab

    def distribution(self, planes: Tensor) -> Distribution:
        """Convert logits `(N, 2 bins, h, w)` to distributions over all pairs of a hue and a chroma."""
        hues, chromas = (logits.softmax(dim=1) for logits in planes.float().chunk(2, dim=1))
        bins = torch.stack(
            [torch.outer(self.chromas, self.hues.cos()), torch.outer(self.chromas, self.hues.sin())], -1
        )
        return Distribution(bins.flatten(0, 1), (chromas[:, :, None] * hues[:, None]).flatten(1, 2))

    def _chroma_of(self, shares: Tensor) -> Tensor:
        """Convert chroma histograms `(N, bins, h, w)` to chroma `(N, 1, h, w)`."""
        if self.reading == "expectation":
            return torch.einsum("nkhw,k->nhw", shares, self.chromas)[:, None]
        up_to = shares.cumsum(dim=1)
        index = (up_to < 0.5).sum(dim=1, keepdim=True).clamp(max=self.bins - 1)
        inside = ((0.5 - up_to.gather(1, index)) / shares.gather(1, index).clamp(min=1e-9)).clamp(-1, 0)
        return (index + 1 + inside) * (LARGEST_CHROMA / self.bins)

    def _histogram(self, values: Tensor, planes: Tensor) -> Tensor:
        """Histograms of `values` `(N, H, W)` in 0 to 1 around each pixel, subsampled to the size of `planes`."""
        index = (values * self.bins).long().clamp(0, self.bins - 1)
        spread = values.new_zeros(len(values), self.bins, *values.shape[1:]).scatter_(1, index[:, None], 1.0)
        around = functional.avg_pool2d(spread, _WINDOW, 1, padding=_WINDOW // 2, count_include_pad=False)
        histogram: Tensor = functional.interpolate(around, planes.shape[-2:], mode="nearest-exact")
        return histogram

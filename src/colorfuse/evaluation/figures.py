"""Metrics of single photos, and of all photos together."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple, Self, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorfuse import metrics
from colorfuse.color import rgb_to_lab
from colorfuse.registry import unknown_name

FiguresByRow: TypeAlias = dict[str, dict[str, float]]
"""Metrics by row ("gray", "constant", "predicted" or "truth"), and then by name."""


@dataclasses.dataclass(frozen=True, eq=False)
class Colors:
    """A photo's colours in the two colour spaces that metrics use.

    Attributes:
        lab: Lab `(3, H, W)`.
        rgb: sRGB bytes `(3, H, W)`.
    """

    lab: Tensor
    rgb: Tensor

    @classmethod
    def from_image(cls, image: Image.Image) -> Self:
        """The colours of an RGB image."""
        rgb = torch.from_numpy(np.array(image)).movedim(-1, 0).contiguous()
        return cls(rgb_to_lab(rgb), rgb)

    def with_ab(self, ab: Tensor) -> "Colors":
        """Combine this photo's lightness with other ab, `(2, H, W)` or a single colour `(2, 1, 1)`.

        RGB is clipped and rounded. It is computed by scikit-image, as in the code behind published results, which
        leaves some grays one level of 255 off neutral.
        """
        from skimage.color import lab2rgb

        lightness = self.lab[:1]
        a, b = ab.to(self.lab).expand_as(self.lab[1:]).split(1)
        greatest_b = 200 / 116 * (lightness + 16) - 1e-3  # scikit-image clips b beyond it too, and warns
        seen = torch.cat([lightness, a, torch.minimum(b, greatest_b)]).double().cpu().numpy()
        rgb = np.rint(lab2rgb(seen, channel_axis=0) * 255).astype(np.uint8)
        return Colors(torch.cat([lightness, a, b]), torch.from_numpy(rgb))

    @property
    def ab(self) -> Tensor:
        """The ab `(2, H, W)`."""
        return self.lab[1:]

    @property
    def chroma(self) -> float:
        """The mean chroma."""
        return torch.hypot(*self.ab).mean().item()

    @cached_property
    def colorfulness(self) -> float:
        """Colourfulness as defined by Hasler and Suesstrunk."""
        return metrics.colorfulness(self.rgb).item()

    @cached_property
    def absolute_colorfulness(self) -> float:
        """Colourfulness in the variant that recent code uses."""
        return metrics.absolute_colorfulness(self.rgb).item()


class Metric(NamedTuple):
    """A column of the table.

    Attributes:
        title: The heading of the column.
        digits: The number of decimals.
        of: Computes the metric from a photo's predicted and true colours.
        least_side: The fewest pixels that each side of a photo must have.
    """

    title: str
    digits: int
    of: Callable[[Colors, Colors], float]
    least_side: int = 1


PER_PHOTO = {
    "squared_error": Metric("squared error", 5, lambda its, true: metrics.squared_error(its.ab, true.ab).item()),
    "raw_accuracy": Metric("AuC", 4, lambda its, true: metrics.raw_accuracy(its.ab, true.ab).item()),
    "psnr": Metric("PSNR RGB, dB", 2, lambda its, true: metrics.psnr(its.rgb, true.rgb).item()),
    "psnr_ab": Metric("PSNR ab, dB", 2, lambda its, true: metrics.psnr_ab(its.ab, true.ab).item()),
    "ssim": Metric("SSIM", 4, lambda its, true: metrics.ssim(its.rgb, true.rgb).item(), 7),
    "ciede2000": Metric("CIEDE2000", 2, lambda its, true: metrics.ciede2000(its.lab, true.lab).item()),
    "colorfulness": Metric("colourfulness", 2, lambda its, true: its.colorfulness),
    "absolute_colorfulness": Metric("colourfulness, absolute", 2, lambda its, true: its.absolute_colorfulness),
    "colorfulness_difference": Metric(
        "colourfulness, off by", 2, lambda its, true: abs(its.colorfulness - true.colorfulness)
    ),
    "chroma_ratio": Metric("chroma ratio", 3, lambda its, true: metrics.chroma_ratio(its.ab, true.ab).item()),
    "lpips": Metric("LPIPS", 4, lambda its, true: metrics.lpips(its.rgb, true.rgb).item(), 32),
}
"""Metrics of a single photo; the table shows their mean."""

REFERENCE_FREE = ("colorfulness", "absolute_colorfulness")
"""Per-photo metrics that need no comparison, so that the true colours have them too."""


class ClassBalanced:
    """Class-balanced accuracy over all photos together."""

    title, digits = "class-balanced AuC", 4

    def __init__(self) -> None:
        self._accuracy = metrics.ClassBalancedAccuracy()

    def add(self, predicted: Colors, true: Colors) -> None:
        """Add a photo."""
        self._accuracy.update(predicted.ab, true.ab)

    def compute(self, add_up: Callable[[Tensor], Tensor]) -> float:
        """Compute the metric over all processes; `add_up` sums a tensor over them."""
        of_all = metrics.ClassBalancedAccuracy()
        of_all.sums = add_up(self._accuracy.sums)
        return of_all.compute().item()


class FrechetDistance:
    """Fréchet inception distance over all photos together."""

    title, digits = "FID", 2

    def __init__(self) -> None:
        self._distance = metrics.create_fid()

    def add(self, predicted: Colors, true: Colors) -> None:
        """Add a photo."""
        self._distance.update(predicted.rgb[None], real=False)
        self._distance.update(true.rgb[None], real=True)

    def compute(self, add_up: Callable[[Tensor], Tensor]) -> float:
        """Compute the metric over all processes; `add_up` sums a tensor over them. NaN for a single photo."""
        for name, sums in self._distance.metric_state.items():
            setattr(self._distance, name, add_up(sums))
        if self._distance.real_features_num_samples < 2:
            return math.nan
        figure: float = self._distance.compute().item()
        return figure


OVERALL: dict[str, type[ClassBalanced | FrechetDistance]] = {
    "class_balanced_accuracy": ClassBalanced,
    "fid": FrechetDistance,
}
"""Metrics that exist only for all photos together."""

COLUMNS: dict[str, Metric | type[ClassBalanced | FrechetDistance]] = PER_PHOTO | OVERALL

DEFAULT = tuple(name for name in COLUMNS if name not in ("lpips", "fid"))
"""All metrics that need no pretrained network."""


def check_figures(names: Sequence[str]) -> None:
    """Check that the metrics exist and can be computed.

    Raises:
        ValueError: A name is unknown, or there is none.
        ImportError: A package that a metric needs is not installed.
        WeightsError: The weights that a metric needs cannot be downloaded.
    """
    if not names:
        raise ValueError(f"figures must name some of {', '.join(COLUMNS)}")
    for name in names:
        if name not in COLUMNS:
            raise unknown_name("figure", name, COLUMNS)
    if "lpips" in names:
        metrics.create_lpips()

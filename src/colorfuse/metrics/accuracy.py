"""Accuracy of ab: the share of pixels within an error threshold, averaged over thresholds."""

import functools

import torch
from torch import Tensor

from colorfuse.color.plane import SPACING, gamut_bins
from colorfuse.metrics.pairs import check_pair, length

_THRESHOLDS = 151
_FARTHEST = 13


def raw_accuracy(predicted: Tensor, true: Tensor) -> Tensor:
    """Area under the curve of the share of pixels whose ab error is at most a threshold, from 0 to 150.

    Zhang, Isola and Efros 2016, *Colorful image colorization*, section 3.1: the mean over the thresholds 0, 1, ...,
    150. 1 is perfect; all gray scores about 0.88 on varied photos.

    Args:
        predicted: Predicted ab `(*, 2, H, W)` in CIELAB units.
        true: True ab of the same shape.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shapes differ or are not `(*, 2, H, W)`.

    Example:
        >>> raw_accuracy(torch.full((2, 4, 4), 3.0), torch.full((2, 4, 4), 3.0)).item()
        1.0
    """
    return _accuracies(predicted, true).mean(dim=(-2, -1), dtype=torch.float64)


def class_balanced_accuracy(predicted: Tensor, true: Tensor) -> Tensor:
    """`raw_accuracy` with equal weight for each class of true colours, however rare it is.

    Zhang, Isola and Efros 2016, *Colorful image colorization*, section 3.1. The classes are their 313 bins of the ab
    plane, 10 apart; classes without pixels do not count. Class frequencies come from the given photos, in the paper
    from all of ImageNet, so compare values only on the same photos.

    Args:
        predicted: Predicted ab `(*, 2, H, W)` in CIELAB units.
        true: True ab of the same shape.

    Returns:
        One float for all photos together.

    Raises:
        ValueError: The shapes differ or are not `(*, 2, H, W)`.

    Example:
        >>> blue, red = torch.tensor([20.0, -60.0]), torch.tensor([80.0, 60.0])
        >>> true = torch.stack([blue, blue, blue, red], dim=1)[:, None]
        >>> always_blue = blue[:, None, None].expand(2, 1, 4)
        >>> raw_accuracy(always_blue, true) > class_balanced_accuracy(always_blue, true)
        tensor(True)
    """
    accuracy = ClassBalancedAccuracy()
    accuracy.update(predicted, true)
    return accuracy.compute()


class ClassBalancedAccuracy:
    """`class_balanced_accuracy`, accumulated over several calls of `update`.

    Attributes:
        sums: For each class, the sum of its pixels' accuracies and their number, `(2, 313)`. The sums of several
            processes may be added.

    Example:
        >>> accuracy = ClassBalancedAccuracy()
        >>> accuracy.update(torch.zeros(2, 4, 4), torch.zeros(2, 4, 4))
        >>> accuracy.compute()
        tensor(1., dtype=torch.float64)
    """

    def __init__(self) -> None:
        self.sums = torch.zeros(2, len(gamut_bins()), dtype=torch.float64)

    def update(self, predicted: Tensor, true: Tensor) -> None:
        """Add photos, as ab `(*, 2, H, W)` in CIELAB units.

        Raises:
            ValueError: The shapes differ or are not `(*, 2, H, W)`.
        """
        accuracies, classes = _accuracies(predicted, true).double().flatten(), _classes(true).flatten()
        for sums, weights in zip(self.sums, (accuracies, None), strict=True):
            sums += classes.bincount(weights, minlength=len(sums)).to(sums)

    def compute(self) -> Tensor:
        """Return the mean accuracy over all classes that have pixels."""
        totals, counts = self.sums
        mean: Tensor = (totals / counts)[counts > 0].mean()
        return mean


def _accuracies(predicted: Tensor, true: Tensor) -> Tensor:
    """For each pixel, the share of thresholds that its error does not exceed, `(*, H, W)`."""
    check_pair(predicted, true, 2)
    errors = length(predicted - true)
    return (_THRESHOLDS - errors.ceil()).clamp(min=0) / _THRESHOLDS


def _classes(ab: Tensor) -> Tensor:
    """The index of the class of each pixel, `(*, H, W)`."""
    rows, columns = ((ab / SPACING).round().clamp(-_FARTHEST, _FARTHEST).long() + _FARTHEST).unbind(-3)
    return _class_of_corner().to(ab.device)[rows, columns]


@functools.cache
@torch.inference_mode(False)
def _class_of_corner() -> Tensor:
    """For each point of the grid of bins, the index of the nearest of the 313 bins; rows are a, columns are b.

    The grid point nearest to an sRGB colour is itself a bin, so rounding is enough to classify these colours.
    """
    steps = torch.arange(-_FARTHEST, _FARTHEST + 1.0) * SPACING
    nearest = torch.cdist(torch.cartesian_prod(steps, steps), gamut_bins()).argmin(dim=1)
    return nearest.reshape(len(steps), len(steps))

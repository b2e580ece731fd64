"""The share of pixels whose colour is right, for every notion of how near is right."""

import functools

import torch
from torch import Tensor

from colorfuse.color.plane import SPACING, gamut_bins
from colorfuse.metrics.pairs import check_pair, length

_THRESHOLDS = 151
_FARTHEST = 13


def raw_accuracy(predicted: Tensor, true: Tensor) -> Tensor:
    """The area under the curve of the share of pixels whose ab error is at most a threshold of 0 to 150.

    Zhang, Isola and Efros 2016, *Colorful image colorization*, section 3.1: the mean over the thresholds 0, 1, ...,
    150. 1 is perfect; gray gets about 0.88 on photos of all kinds.

    Args:
        predicted: ab `(*, 2, H, W)` in CIELAB units.
        true: Likewise.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shapes are others.

    Example:
        >>> raw_accuracy(torch.full((2, 4, 4), 3.0), torch.full((2, 4, 4), 3.0)).item()
        1.0
    """
    return _accuracies(predicted, true).mean(dim=(-2, -1), dtype=torch.float64)


def class_balanced_accuracy(predicted: Tensor, true: Tensor) -> Tensor:
    """`raw_accuracy` where each class of true colour counts the same, however rare it is.

    Zhang, Isola and Efros 2016, *Colorful image colorization*, section 3.1. The classes are their 313 points of the
    ab plane, 10 apart; those that no pixel has do not count. How rare a class is is taken from the photos at hand, in
    that paper from all of ImageNet: compare the figure on the same photos alone.

    Args:
        predicted: ab `(*, 2, H, W)` in CIELAB units.
        true: Likewise.

    Returns:
        One float for all photos together.

    Raises:
        ValueError: The shapes are others.

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
    """`class_balanced_accuracy` of photos that come one after another.

    Attributes:
        sums: Of the accuracies of the pixels of each class, and how many these are: `(2, 313)`. Those of several
            processes may be added up.

    Example:
        >>> accuracy = ClassBalancedAccuracy()
        >>> accuracy.update(torch.zeros(2, 4, 4), torch.zeros(2, 4, 4))
        >>> accuracy.compute()
        tensor(1., dtype=torch.float64)
    """

    def __init__(self) -> None:
        self.sums = torch.zeros(2, len(gamut_bins()), dtype=torch.float64)

    def update(self, predicted: Tensor, true: Tensor) -> None:
        """Take in ab `(*, 2, H, W)` in CIELAB units.

        Raises:
            ValueError: The shapes are others.
        """
        accuracies, classes = _accuracies(predicted, true).double().flatten(), _classes(true).flatten()
        for sums, weights in zip(self.sums, (accuracies, None), strict=True):
            sums += classes.bincount(weights, minlength=len(sums)).to(sums)

    def compute(self) -> Tensor:
        """The mean over the classes that pixels had."""
        totals, counts = self.sums
        mean: Tensor = (totals / counts)[counts > 0].mean()
        return mean


def _accuracies(predicted: Tensor, true: Tensor) -> Tensor:
    """The share of thresholds `(*, H, W)` that the error of a pixel does not exceed."""
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
    """The nearest of the 313 points to each corner of the grid that they lie on, by row of a and column of b.

    The corner nearest to a colour of sRGB is one of the points, so for these it is a matter of rounding.
    """
    steps = torch.arange(-_FARTHEST, _FARTHEST + 1.0) * SPACING
    nearest = torch.cdist(torch.cartesian_prod(steps, steps), gamut_bins()).argmin(dim=1)
    return nearest.reshape(len(steps), len(steps))

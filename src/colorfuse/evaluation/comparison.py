"""Compares two evaluations, with a confidence interval of their difference."""

from typing import NamedTuple

import numpy as np

from colorfuse.errors import first_few
from colorfuse.evaluation.result import Evaluation
from colorfuse.options import Fraction, check_value

_RESAMPLES = 10_000


class Difference(NamedTuple):
    """The difference of a metric over the same photos, second minus first.

    Attributes:
        mean: The mean over the photos.
        low: The lower end of its confidence interval.
        high: The upper end of its confidence interval.
    """

    mean: float
    low: float
    high: float


def compare(
    first: Evaluation, second: Evaluation, figure: str = "squared_error", *, confidence: float = 0.95
) -> Difference:
    """Compare a metric between two evaluations of the same photos, with a bootstrap confidence interval.

    The interval is the percentile interval over 10,000 resamples of the photos: Efron and Tibshirani 1993, *An
    introduction to the bootstrap*, section 13.3. If it excludes 0, the choice of photos alone does not explain the
    difference.

    Args:
        first: The result of `evaluate` for one colorizer.
        second: The result for the other, on the same photos.
        figure: The name of a per-photo metric.
        confidence: The probability that the interval covers the mean difference over many more such photos.

    Raises:
        ValueError: The photos or the protocols differ, the metric does not exist or is not finite for all photos, or
            `confidence` is not between 0 and 1.

    Example:
        >>> from skimage import data
        >>> from colorfuse import FusionColorizer, evaluate
        >>> photos, colorizer = data.astronaut().reshape(4, 128, 512, 3), FusionColorizer.from_pretrained()
        >>> pale, vivid = (evaluate(colorizer, photos, saturation=factor) for factor in (0.5, 1.5))
        >>> compare(pale, vivid, "colorfulness").low > 0
        True
    """
    check_value(confidence, Fraction, "confidence", "a comparison")
    apart = sorted(first.photos.keys() ^ second.photos.keys())
    if apart:
        raise ValueError(f"only one of both has {first_few(apart, 3)}; judge the same")
    if first.protocol != second.protocol:
        raise ValueError(f"one was judged by {first.protocol} and the other by {second.protocol}; take one of both")
    place = {name: index for index, name in enumerate(second.photos)}
    order = [place[name] for name in first.photos]
    differences = second.values("predicted", figure)[order] - first.values("predicted", figure)
    if not np.isfinite(differences).all():
        raise ValueError(f"{figure} is not finite for all photos; compare by another figure")
    generator = np.random.default_rng(0)
    count = len(differences)
    means = [differences[generator.integers(count, size=count)].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Difference(float(differences.mean()), float(low), float(high))

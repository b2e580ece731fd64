import copy
import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import colorfuse as cf

FIGURES = ("squared_error", "raw_accuracy")


def test_the_interval_is_that_of_scipy(photos: NDArray[np.uint8]) -> None:
    colorizer = cf.FusionColorizer.from_pretrained()
    first, second = (cf.evaluate(colorizer, photos, saturation=factor, figures=FIGURES) for factor in (0.2, 1))
    found = cf.compare(first, second, "squared_error", confidence=0.9)
    differences = second.values("predicted", "squared_error") - first.values("predicted", "squared_error")
    expected = stats.bootstrap((differences,), np.mean, confidence_level=0.9, method="percentile").confidence_interval
    assert found.mean == pytest.approx(differences.mean())
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.05 * width)
    assert found.high == pytest.approx(expected.high, abs=0.05 * width)
    assert cf.compare(second, first, "squared_error").mean == -found.mean
    backwards = dataclasses.replace(first, photos=dict(reversed(first.photos.items())))
    assert cf.compare(first, backwards) == cf.compare(first, first) == (0, 0, 0)


def test_photos_are_paired_by_name(photos: NDArray[np.uint8]) -> None:
    colorizer = cf.FusionColorizer.from_pretrained()
    some, others = (cf.evaluate(colorizer, part, figures=FIGURES) for part in (photos, photos[:3]))
    with pytest.raises(ValueError, match=r"only one of both has 10, 11, 3, \.\.\."):
        cf.compare(some, others)
    square = cf.evaluate(colorizer, photos, "square256", figures=FIGURES)
    with pytest.raises(ValueError, match="judged by center256 and the other by square256"):
        cf.compare(some, square)
    with pytest.raises(ValueError, match="'ssim'"):
        cf.compare(some, some, "ssim")
    exact = dataclasses.replace(some, photos=copy.deepcopy(some.photos))
    exact.photos["0"]["predicted"]["squared_error"] = math.inf
    with pytest.raises(ValueError, match="squared_error is not finite for all photos"):
        cf.compare(some, exact)
    with pytest.raises(ValueError, match="confidence"):
        cf.compare(some, some, confidence=1.5)

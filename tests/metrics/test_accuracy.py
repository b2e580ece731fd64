import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from strategies import tensors
from torch import Tensor

from colorfuse.color import rgb_to_lab
from colorfuse.color.plane import gamut_bins
from colorfuse.metrics import ClassBalancedAccuracy, class_balanced_accuracy, raw_accuracy


@given(tensors(2, low=-110, high=110), st.floats(0, 200))
def test_raw_accuracy_is_the_area_under_the_curve(true: Tensor, spread: float) -> None:
    predicted = true + spread * torch.rand_like(true)
    distances = np.hypot(*np.moveaxis(predicted.numpy() - true.numpy(), -3, 0))
    curve = [(distances <= threshold).mean(axis=(-2, -1)) for threshold in range(151)]
    np.testing.assert_allclose(raw_accuracy(predicted, true), np.mean(curve, axis=0), atol=1e-12)


def photo_ab() -> Tensor:
    rgb = torch.from_numpy(data.astronaut()).movedim(-1, 0).contiguous()
    return rgb_to_lab(rgb)[1:, ::4, ::4]


def test_balanced_accuracy_is_the_mean_over_classes() -> None:
    true = photo_ab()
    predicted = 0.5 * true
    pixels, bins = true.flatten(1).T.double(), gamut_bins().double()
    classes = torch.cdist(pixels, bins).argmin(dim=1).numpy()
    distances = (predicted - true).flatten(1).norm(dim=0).numpy()
    shares = np.mean([distances <= threshold for threshold in range(151)], axis=0)
    expected = np.mean([shares[classes == index].mean() for index in np.unique(classes)])
    np.testing.assert_allclose(class_balanced_accuracy(predicted, true), expected, atol=1e-6)


def test_balanced_accuracy_adds_up_over_photos_and_processes() -> None:
    true = torch.stack([photo_ab(), photo_ab().flip(0)])
    predicted = 0.7 * true
    one_by_one = [ClassBalancedAccuracy(), ClassBalancedAccuracy()]
    for accuracy, its, ab in zip(one_by_one, predicted, true, strict=True):
        accuracy.update(its, ab)
    one_by_one[0].sums += one_by_one[1].sums
    torch.testing.assert_close(one_by_one[0].compute(), class_balanced_accuracy(predicted, true))


@given(tensors(2, low=-500, high=500))
def test_colours_beyond_srgb_have_a_class(true: Tensor) -> None:
    assert class_balanced_accuracy(true, true) == 1

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from skimage import color, metrics
from strategies import bytes_images, tensors
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio

from colorfuse.metrics import (
    chroma_ratio,
    ciede2000,
    colorfulness_difference,
    psnr,
    psnr_ab,
    raw_accuracy,
    squared_error,
    ssim,
)

Pair = tuple[Tensor, Tensor]


def pair(channels: int, side: int = 24) -> Pair:
    generator = torch.Generator().manual_seed(channels)
    first, second = torch.rand(2, 2, channels, side, side + 3, generator=generator, dtype=torch.float64)
    return first, second


@given(tensors(2, low=-100, high=100), tensors(2, low=-100, high=100))
def test_squared_error_and_psnr_ab(predicted: Tensor, true: Tensor) -> None:
    predicted, true = (ab[..., :1, :1].reshape(-1, 2, 1, 1)[:1] for ab in (predicted, true))
    expected = np.mean(((predicted.numpy() - true.numpy()) / 127.5) ** 2)
    np.testing.assert_allclose(squared_error(predicted, true), [expected], atol=1e-12)
    if expected > 1e-9:
        of_torchmetrics = peak_signal_noise_ratio(predicted, true, data_range=(-127.5, 127.5))
        torch.testing.assert_close(psnr_ab(predicted, true), of_torchmetrics[None], check_dtype=False)


def test_psnr_is_that_of_scikit_image() -> None:
    in_bytes = tuple((rgb * 255).to(torch.uint8) for rgb in pair(3))
    for (predicted, true), peak in ((pair(3), 1), (in_bytes, 255)):
        both = zip(true.numpy(), predicted.numpy(), strict=True)
        expected = [metrics.peak_signal_noise_ratio(*arrays, data_range=peak) for arrays in both]
        np.testing.assert_allclose(psnr(predicted, true), expected)


@given(bytes_images())
def test_equal_photos_have_no_difference(rgb: Tensor) -> None:
    lab = rgb.float()
    assert psnr(rgb, rgb) == torch.inf
    assert squared_error(lab[:2], lab[:2]) == 0
    assert ciede2000(lab, lab) == 0
    assert raw_accuracy(lab[:2], lab[:2]) == 1


def test_ssim_and_ciede2000_are_those_of_scikit_image() -> None:
    predicted, true = pair(3)
    first, second = (image[1].numpy() for image in (predicted, true))
    expected = metrics.structural_similarity(first, second, channel_axis=0, data_range=1)
    assert ssim(predicted, true)[1].item() == pytest.approx(expected, abs=1e-5)
    assert ssim((predicted * 255).byte(), (true * 255).byte())[1].item() == pytest.approx(expected, abs=0.02)
    labs = [np.moveaxis(color.rgb2lab(np.moveaxis(image, 0, -1)), -1, 0) for image in (first, second)]
    differences = color.deltaE_ciede2000(*labs, channel_axis=0)
    assert ciede2000(*map(torch.from_numpy, labs)).item() == pytest.approx(differences.mean(), rel=1e-5)


FIGURES = [(squared_error, 2), (psnr_ab, 2), (raw_accuracy, 2), (psnr, 3), (ssim, 3), (ciede2000, 3)]


@pytest.mark.parametrize(("figure", "channels"), FIGURES)
def test_shapes(figure: Callable[..., Tensor], channels: int) -> None:
    predicted, true = pair(channels)
    assert figure(predicted, true).shape == (2,)
    assert figure(predicted[0], true[0]).shape == ()
    assert figure(predicted[0], true[0]) == figure(predicted, true)[0]
    with pytest.raises(ValueError, match=rf"one shape \(\*, {channels}, H, W\), not .* and "):
        figure(predicted, true[..., :-1])
    for wrong in (predicted[:, :1], predicted[..., :0], predicted[..., :0, :], predicted[0, 0]):
        with pytest.raises(ValueError, match=rf"one shape \(\*, {channels}, H, W\)"):
            figure(wrong, wrong)


@pytest.mark.parametrize(("figure", "channels"), [*FIGURES, (chroma_ratio, 2), (colorfulness_difference, 3)])
def test_figures_are_exact_for_single_precision(figure: Callable[..., Tensor], channels: int) -> None:
    predicted, true = pair(channels)
    figures = figure(predicted.float(), true.float())
    assert figures.dtype == torch.float64
    torch.testing.assert_close(figures, figure(predicted, true), atol=1e-6, rtol=1e-6)


def test_ssim_of_a_photo_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match=r"sides of 7 pixels, not \(6, 9\)"):
        ssim(torch.zeros(3, 6, 9), torch.zeros(3, 6, 9))
    assert ssim(torch.zeros(3, 7, 7), torch.zeros(3, 7, 7)) == 1

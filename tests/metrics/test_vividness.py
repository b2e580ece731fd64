from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import bytes_images, tensors
from torch import Tensor

from colorfuse.metrics import absolute_colorfulness, chroma_ratio, colorfulness, colorfulness_difference


def by_numpy(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    deviation = np.sqrt(first.var(axis=(-2, -1)) + second.var(axis=(-2, -1)))
    mean = np.sqrt(first.mean(axis=(-2, -1)) ** 2 + second.mean(axis=(-2, -1)) ** 2)
    figures: np.ndarray = deviation + 0.3 * mean
    return figures


@given(bytes_images())
def test_colorfulness_is_that_of_the_paper_and_of_recent_code(rgb: Tensor) -> None:
    red, green, blue = np.moveaxis(rgb.numpy().astype(float), -3, 0)
    first, second = red - green, (red + green) / 2 - blue
    np.testing.assert_allclose(colorfulness(rgb), by_numpy(first, second), atol=1e-9)
    np.testing.assert_allclose(absolute_colorfulness(rgb), by_numpy(abs(first), abs(second)), atol=1e-9)
    torch.testing.assert_close(colorfulness(rgb / 255.0), colorfulness(rgb), atol=1e-4, rtol=1e-4)


def test_each_photo_has_its_own_figure() -> None:
    photos = torch.rand(2, 3, 3, 4, 5)
    for figure in (colorfulness, absolute_colorfulness):
        expected = torch.stack([figure(photo) for photo in photos.flatten(0, 1)]).view(2, 3)
        torch.testing.assert_close(figure(photos), expected)


@given(bytes_images(), st.randoms(use_true_random=False))
def test_its_difference_has_no_sign(rgb: Tensor, random: Random) -> None:
    other = rgb.flatten()[torch.tensor(random.sample(range(rgb.numel()), rgb.numel()))].view(rgb.shape)
    expected = abs(colorfulness(rgb).item() - colorfulness(other).item())
    assert colorfulness_difference(rgb, other).item() == pytest.approx(expected)
    assert colorfulness_difference(other, rgb) == colorfulness_difference(rgb, other)


@given(tensors(1))
def test_gray_has_none(gray: Tensor) -> None:
    rgb = gray.expand(*gray.shape[:-3], 3, *gray.shape[-2:])
    assert torch.equal(colorfulness(rgb), torch.zeros(gray.shape[:-3], dtype=torch.float64))


def test_a_gray_photo_has_a_gradient() -> None:
    rgb = torch.full((3, 4, 4), 0.5, requires_grad=True)
    colorfulness(rgb).backward()
    assert rgb.grad is not None
    assert rgb.grad.isfinite().all()


@given(tensors(2))
def test_chroma_ratio_is_linear_in_saturation(ab: Tensor) -> None:
    ab = ab + 1
    torch.testing.assert_close(chroma_ratio(ab, ab), torch.ones(ab.shape[:-3], dtype=torch.float64))
    torch.testing.assert_close(chroma_ratio(3 * ab, ab), torch.full(ab.shape[:-3], 3, dtype=torch.float64))


@pytest.mark.parametrize("shape", [(3,), (2, 4, 4), (40, 50, 3), (3, 0, 5)])
def test_what_is_no_photo_is_refused(shape: tuple[int, ...]) -> None:
    for figure in (colorfulness, absolute_colorfulness):
        with pytest.raises(ValueError, match=r"rgb must have shape \(\*, 3, H, W\), not \("):
            figure(torch.zeros(shape))

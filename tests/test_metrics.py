import numpy as np
import torch
from hypothesis import given
from strategies import bytes_images, tensors
from torch import Tensor

from colorfuse.metrics import colorfulness


@given(bytes_images())
def test_colorfulness_is_that_of_the_paper(rgb: Tensor) -> None:
    red, green, blue = np.moveaxis(rgb.numpy().astype(float), -3, 0)
    first, second = red - green, (red + green) / 2 - blue
    deviation = np.sqrt(first.var(axis=(-2, -1)) + second.var(axis=(-2, -1)))
    mean = np.sqrt(first.mean(axis=(-2, -1)) ** 2 + second.mean(axis=(-2, -1)) ** 2)
    np.testing.assert_allclose(colorfulness(rgb), deviation + 0.3 * mean, atol=1e-9)
    torch.testing.assert_close(colorfulness(rgb / 255.0), colorfulness(rgb), atol=1e-4, rtol=1e-4)


@given(tensors(1))
def test_gray_has_none(gray: Tensor) -> None:
    rgb = gray.expand(*gray.shape[:-3], 3, *gray.shape[-2:])
    assert torch.equal(colorfulness(rgb), torch.zeros(gray.shape[:-3], dtype=torch.float64))


def test_a_gray_photo_has_a_gradient() -> None:
    rgb = torch.full((3, 4, 4), 0.5, requires_grad=True)
    colorfulness(rgb).backward()
    assert rgb.grad is not None
    assert rgb.grad.isfinite().all()

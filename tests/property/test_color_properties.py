from random import Random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import color
from strategies import bytes_images, tensors
from torch import Tensor

import colorfuse as cf


@given(tensors(3))
def test_round_trip(rgb: Tensor) -> None:
    torch.testing.assert_close(cf.lab_to_rgb(cf.rgb_to_lab(rgb)), rgb, atol=1e-6, rtol=0)


@given(bytes_images())
def test_bytes_come_back(rgb: Tensor) -> None:
    back = cf.lab_to_rgb(cf.rgb_to_lab(rgb))
    assert torch.equal((back * 255).round().to(torch.uint8), rgb)


@given(tensors(3))
def test_agrees_with_scikit_image(rgb: Tensor) -> None:
    # scikit-image rounds its matrix and white point to six digits.
    expected = color.rgb2lab(np.moveaxis(rgb.numpy(), -3, -1))
    np.testing.assert_allclose(np.moveaxis(cf.rgb_to_lab(rgb).numpy(), -3, -1), expected, atol=0.02)


@given(tensors(1))
def test_gray_has_the_lightness_of_equal_channels(gray: Tensor) -> None:
    lab = cf.rgb_to_lab(gray.expand(*gray.shape[:-3], 3, *gray.shape[-2:]))
    torch.testing.assert_close(cf.gray_to_lightness(gray), lab[..., :1, :, :], atol=1e-9, rtol=0)
    torch.testing.assert_close(lab[..., 1:, :, :], torch.zeros_like(lab[..., 1:, :, :]), atol=1e-9, rtol=0)


@given(tensors(3), st.sampled_from([torch.float16, torch.bfloat16, torch.float32]))
def test_dtype_stays(rgb: Tensor, dtype: torch.dtype) -> None:
    assert cf.rgb_to_lab(rgb.to(dtype)).dtype == dtype
    assert cf.lab_to_rgb(cf.rgb_to_lab(rgb.to(dtype))).dtype == dtype


@given(tensors(3))
def test_gradients_are_finite(rgb: Tensor) -> None:
    rgb.requires_grad_()
    cf.rgb_to_lab(rgb).sum().backward()
    assert rgb.grad is not None
    assert rgb.grad.isfinite().all()


@given(tensors(3, low=-128, high=128))
def test_any_lab_gives_rgb_in_range_and_finite_gradients(lab: Tensor) -> None:
    lab.requires_grad_()
    rgb = cf.lab_to_rgb(lab)
    rgb.sum().backward()
    assert ((rgb >= 0) & (rgb <= 1)).all()
    assert lab.grad is not None
    assert lab.grad.isfinite().all()


@given(tensors(3, low=-128, high=128))
def test_reduced_colours_are_in_the_gamut_with_the_same_lightness_and_hue(lab: Tensor) -> None:
    lab[..., 0, :, :].abs_().mul_(100 / 128)
    reduced = cf.reduce_chroma(lab)
    as_bytes = (cf.lab_to_rgb(reduced) * 255).round().to(torch.uint8)
    lightness = cf.rgb_to_lab(as_bytes)[..., 0, :, :]
    assert (lightness - lab[..., 0, :, :]).abs().max() <= 0.5
    torch.testing.assert_close(cf.rgb_to_lab(cf.lab_to_rgb(reduced)), reduced, atol=2e-3, rtol=0)
    (a, b), (reduced_a, reduced_b) = lab[..., 1:, :, :].unbind(-3), reduced[..., 1:, :, :].unbind(-3)
    torch.testing.assert_close(a * reduced_b, b * reduced_a, atol=1e-6, rtol=1e-6)
    assert (torch.hypot(reduced_a, reduced_b) <= torch.hypot(a, b) + 1e-9).all()


@given(bytes_images())
def test_colours_of_srgb_are_not_reduced(rgb: Tensor) -> None:
    lab = cf.rgb_to_lab(rgb)
    assert torch.equal(cf.reduce_chroma(lab), lab)


@given(tensors(3, dtype=torch.float32), st.randoms(use_true_random=False))
def test_each_pixel_is_converted_alone(rgb: Tensor, random: Random) -> None:
    """Photos, rows and columns in another order, or fewer of them, give their results in that order."""
    photos = rgb.flatten(0, -4) if rgb.ndim > 3 else rgb[None]
    orders = [random.sample(range(size), random.randint(1, size)) for size in (len(photos), *photos.shape[-2:])]
    for convert, error in (
        (cf.rgb_to_lab, 1e-4),
        (lambda colors: cf.lab_to_rgb(colors * 100), 5e-6),
        (lambda colors: cf.reduce_chroma(colors * 100), 100 * 2**0.5 / 4096),  # one of its steps
    ):
        converted = convert(photos)
        chosen = convert(photos[orders[0]][..., orders[1], :][..., orders[2]])
        expected = converted[orders[0]][..., orders[1], :][..., orders[2]]
        torch.testing.assert_close(chosen, expected, atol=error, rtol=0)

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import colorfuse as cf
from colorfuse.inference.upsampling import UPSAMPLINGS


def upsampled(name: str, ab: Tensor, lightness: Tensor) -> Tensor:
    guide = torch.nn.functional.interpolate(lightness, ab.shape[-2:], mode="bilinear", antialias=True)
    return UPSAMPLINGS[name](ab, guide, lightness.shape[-2])(lightness, 0)


def with_edge(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Lightness and ab that change at one column."""
    lightness = torch.full((1, 1, height, width), 20.0)
    ab = torch.full((1, 2, height, width), -30.0)
    lightness[..., width // 3 :] = 80.0
    ab[..., width // 3 :] = 40.0
    return lightness, ab


@pytest.mark.parametrize("name", ["guided", "joint_bilateral"])
@pytest.mark.parametrize("factor", [1, 2, 4, 7])
def test_colours_stop_at_edges(name: str, factor: int) -> None:
    lightness, true = with_edge(84, 168)
    small = torch.nn.functional.interpolate(true, (84 // factor, 168 // factor), mode="bilinear", antialias=True)
    error, plain = ((upsampled(way, small, lightness) - true).abs().mean().item() for way in (name, "bilinear"))
    assert error < (0.01 if factor == 1 else 0.5 * plain)


@pytest.mark.parametrize("name", sorted(UPSAMPLINGS))
@pytest.mark.parametrize("rows", [1, 7, 30])
def test_rows_are_those_of_the_whole(name: str, rows: int) -> None:
    torch.manual_seed(2)
    lightness, ab, guide = torch.rand(2, 1, 61, 40) * 100, torch.randn(2, 2, 9, 7) * 20, torch.rand(2, 1, 9, 7) * 100
    of_rows = UPSAMPLINGS[name](ab, guide, 61)
    parts = [of_rows(lightness[..., top : top + rows, :], top) for top in range(0, 61, rows)]
    torch.testing.assert_close(torch.cat(parts, dim=-2), of_rows(lightness, 0), atol=1e-3, rtol=0)


def test_guided_gives_back_the_small_colours() -> None:
    torch.manual_seed(3)
    lightness, ab = torch.rand(1, 1, 20, 30) * 100, torch.randn(1, 2, 20, 30) * 20
    torch.testing.assert_close(upsampled("guided", ab, lightness), ab, atol=1e-4, rtol=0)


def test_guided_follows_linear_functions_of_lightness() -> None:
    """Colours that are such a function at all sizes are found at the large one, but for the weight of slopes."""
    torch.manual_seed(4)
    lightness = torch.rand(1, 1, 80, 120) * 100
    factors = torch.tensor([0.6, -0.3]).reshape(1, 2, 1, 1)
    small = torch.nn.functional.avg_pool2d(lightness, 2)
    given = UPSAMPLINGS["guided"](factors * small, small, 80)(lightness, 0)
    error = (given - factors * lightness)[..., 4:-4, 4:-4].abs().mean()
    assert error < 0.5 * (upsampled("bilinear", factors * small, lightness) - factors * lightness).abs().mean()


def test_joint_bilateral_is_that_of_the_paper() -> None:
    torch.manual_seed(1)
    lightness, ab = torch.rand(1, 1, 13, 9) * 30 + 30, torch.randn(1, 2, 13, 9) * 20
    given = upsampled("joint_bilateral", ab, lightness)[0].numpy()
    for row, column in ((0, 0), (6, 4), (12, 8), (3, 8)):
        total, weights = np.zeros(2), 0.0
        for down in range(-2, 3):
            for right in range(-2, 3):
                y, x = np.clip(row + down, 0, 12), np.clip(column + right, 0, 8)
                difference = (lightness[0, 0, row, column] - lightness[0, 0, y, x]).item()
                weight = np.exp(-(down**2 + right**2) / 2 - difference**2 / 128)
                total, weights = total + weight * ab[0, :, y, x].numpy(), weights + weight
        np.testing.assert_allclose(given[:, row, column], total / weights, rtol=1e-4)


sides = st.integers(1, 24)


@settings(max_examples=30)
@given(st.sampled_from(sorted(UPSAMPLINGS)), sides, sides, sides, sides, st.floats(-80, 80, width=32))
def test_one_colour_stays_whatever_the_sizes(
    name: str, height: int, width: int, small_height: int, small_width: int, value: float
) -> None:
    ab = torch.full((2, 2, small_height, small_width), value)
    lightness = torch.rand(2, 1, height, width) * 100
    colors = upsampled(name, ab, lightness)
    torch.testing.assert_close(colors, torch.full((2, 2, height, width), value), atol=1e-3, rtol=1e-4)


@settings(max_examples=20)
@given(st.sampled_from(sorted(UPSAMPLINGS)), sides, sides)
def test_no_colour_is_beyond_those_that_were_seen(name: str, height: int, width: int) -> None:
    ab = torch.empty(1, 2, 5, 7).uniform_(-50, 50)
    colors = upsampled(name, ab, torch.rand(1, 1, height, width) * 100)
    assert ab.min() - 1e-3 <= colors.min()
    assert colors.max() <= ab.max() + 1e-3


def test_a_colorizer_has_its_choice(tiny: Any) -> None:
    lightness, _ = with_edge(90, 120)
    plain, guided, joint = (tiny(upsample=name).initialize().predict_ab(lightness) for name in UPSAMPLINGS)
    assert not torch.equal(plain, guided)
    assert not torch.equal(plain, joint)
    with pytest.raises(ValueError, match="no way to upsample is called 'bicubic'; .* bilinear"):
        tiny(upsample="bicubic").initialize()
    assert torch.equal(upsampled("bilinear", torch.zeros(1, 2, 3, 3), lightness), torch.zeros(1, 2, 90, 120))
    assert cf.FusionColorizer.from_recipe("cheng2015").upsample == "joint_bilateral"

from pathlib import Path

import pytest
import torch
from skimage import data
from torch import nn

import colorfuse as cf


@pytest.fixture(scope="module")
def lightness() -> torch.Tensor:
    return cf.rgb_to_lab(torch.from_numpy(data.astronaut()).movedim(-1, 0))[None, :1]


def test_optimized_colours_are_the_same_in_float32_and_near_in_bfloat16(lightness: torch.Tensor) -> None:
    colorizer = cf.FusionColorizer.from_pretrained()
    expected = colorizer.predict_ab(lightness)
    exact = colorizer.optimized(torch.float32)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in exact.network_.modules())
    torch.testing.assert_close(exact.predict_ab(lightness), expected, rtol=0, atol=1e-2)
    assert (colorizer.optimized(torch.bfloat16).predict_ab(lightness) - expected).abs().mean() < 1
    assert torch.equal(colorizer.predict_ab(lightness), expected)


@pytest.mark.slow
def test_a_compiled_network_sees_the_same_colours(lightness: torch.Tensor) -> None:
    colorizer = cf.FusionColorizer.from_pretrained()
    compiled = colorizer.optimized(torch.float32, compiled=True)
    torch.testing.assert_close(compiled.predict_ab(lightness), colorizer.predict_ab(lightness), rtol=0, atol=1e-2)


def test_mirrored_colours_are_the_mean_over_both_and_the_mirrored_photo_gets_them_mirrored() -> None:
    colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=64).initialize()
    lightness = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 100
    both = colorizer.network_(lightness) + colorizer.network_(lightness.flip(-1)).flip(-1)
    mirrored = colorizer.mirrored()
    torch.testing.assert_close(mirrored.network_(lightness), both / 2)
    torch.testing.assert_close(
        mirrored.predict_ab(lightness.flip(-1)), mirrored.predict_ab(lightness).flip(-1), rtol=0, atol=1e-3
    )
    with pytest.raises(ValueError, match="only predicts"):
        mirrored.summary()


def test_an_optimized_copy_says_that_it_only_predicts(tmp_path: Path) -> None:
    optimized = cf.FusionColorizer.from_pretrained().optimized(torch.float32)
    for attempt in (lambda: optimized.save(tmp_path / "run"), optimized.summary):
        with pytest.raises(ValueError, match="only predicts"):
            attempt()
    with pytest.raises(ValueError, match=r"torch\.int8"):
        cf.FusionColorizer.from_pretrained().optimized(torch.int8)

"""Predictions averaged over several networks."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from torch import Tensor

import colorfuse as cf

COMMAND = str(Path(sys.executable).with_name("colorfuse"))
CLASSIFYING = {"name": "classification", "temperature": 1.0}


def small(seed: int, **settings: Any) -> cf.FusionColorizer:
    base: dict[str, Any] = {"backbone": "test_efficientnet", "objective": CLASSIFYING, "image_size": 96, "seed": seed}
    return cf.FusionColorizer(pretrained=False, **(base | settings)).initialize()


@pytest.fixture(scope="module")
def pair() -> tuple[cf.FusionColorizer, cf.FusionColorizer]:
    """Of which the first takes hints."""
    return small(0), small(1, backbone="test_resnet", simulated_hints=None)


@pytest.fixture(scope="module")
def lightness() -> Tensor:
    return 100 * torch.rand(2, 1, 48, 64, generator=torch.Generator().manual_seed(0))


def distribution(colorizer: cf.FusionColorizer, lightness: Tensor) -> Tensor:
    with torch.no_grad():
        return colorizer.objective_.distribution(colorizer.network_(lightness, 4)).shares


@given(st.floats(0, 1))
def test_the_mean_is_the_normalized_weighted_geometric_mean_of_the_distributions(
    pair: tuple[cf.FusionColorizer, cf.FusionColorizer], lightness: Tensor, share: float
) -> None:
    one, other = pair
    shares = distribution(one, lightness) ** (1 - share) * distribution(other, lightness) ** share
    averaged = one.averaged_with(other, share)
    expected = shares / shares.sum(dim=1, keepdim=True)
    torch.testing.assert_close(distribution(averaged, lightness), expected, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(
        averaged.predict_ab(lightness),
        other.averaged_with(one, 1 - share).predict_ab(lightness),
        rtol=0,
        atol=1e-3,
    )


def test_a_mean_of_three_is_that_of_all(
    pair: tuple[cf.FusionColorizer, cf.FusionColorizer], lightness: Tensor
) -> None:
    three = [*pair, small(2)]
    averaged = three[0].averaged_with(three[1]).averaged_with(three[2], 1 / 3)
    with torch.no_grad():
        expected = torch.stack([each.network_(lightness, 4) for each in three]).mean(dim=0)
        torch.testing.assert_close(averaged.network_(lightness, 4), expected, rtol=1e-4, atol=1e-5)


def test_hints_go_to_the_networks_that_take_them(
    pair: tuple[cf.FusionColorizer, cf.FusionColorizer], lightness: Tensor
) -> None:
    one, other = pair
    hints = torch.zeros(2, 3, 48, 64)
    hints[:, :, 10, 20] = torch.tensor([40.0, -20.0, 1.0])
    for second, its in ((other, None), (small(2), hints)):
        averaged = one.averaged_with(second)
        with torch.no_grad():
            expected = (one.network_(lightness, 4, hints) + second.network_(lightness, 4, its)) / 2
            torch.testing.assert_close(averaged.network_(lightness, 4, hints), expected, rtol=1e-4, atol=1e-5)
    assert one.averaged_with(other).takes_hints
    assert not other.averaged_with(one).takes_hints


def test_hints_and_references_reach_the_photo(pair: tuple[cf.FusionColorizer, cf.FusionColorizer]) -> None:
    one, other = pair
    photo, reference = data.coffee()[::4, ::5, 1], data.coffee()[::4, ::5]
    colored = one.averaged_with(other).predict(photo, hints=[(40, 60, "#b04030")])
    assert colored[40, 60, 0] > colored[40, 60, 1] + 20
    referring = one.with_reference(reference)
    lightness = torch.from_numpy(photo.copy())[None, None] / 2.55
    with torch.no_grad():
        expected = (referring.network_(lightness, 4) + other.network_(lightness, 4)) / 2
        assert not torch.allclose(one.averaged_with(other).network_(lightness, 4), expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(
            referring.averaged_with(other).network_(lightness, 4), expected, rtol=1e-4, atol=1e-5
        )
    with pytest.raises(ValueError, match="averaged copy takes no reference; give the reference to the colorizer"):
        one.averaged_with(other).with_reference(reference)


def test_an_averaged_copy_can_be_optimized_and_mirrored_and_only_predicts(
    pair: tuple[cf.FusionColorizer, cf.FusionColorizer], lightness: Tensor, tmp_path: Path
) -> None:
    one, other = pair
    averaged = one.averaged_with(other)
    expected = averaged.predict_ab(lightness)
    torch.testing.assert_close(averaged.optimized(torch.float32).predict_ab(lightness), expected, rtol=0, atol=1e-2)
    mixed = one.averaged_with(other.optimized(torch.bfloat16))
    apart = (one.predict_ab(lightness) - expected).abs().mean()
    assert (mixed.predict_ab(lightness) - expected).abs().mean() < 0.3 * apart
    flipped = averaged.mirrored().predict_ab(lightness.flip(-1)).flip(-1)
    torch.testing.assert_close(averaged.mirrored().predict_ab(lightness), flipped, rtol=0, atol=1e-3)
    with pytest.raises(ValueError, match="only predicts"):
        averaged.save(tmp_path / "saved")


def test_what_cannot_be_averaged_is_refused(pair: tuple[cf.FusionColorizer, cf.FusionColorizer]) -> None:
    one, other = pair
    with pytest.raises(ValueError, match="ColorClassification with 313 planes and MeanSquaredError with 2"):
        one.averaged_with(small(0, objective="mse"))
    said = r"share of a mean of two networks must be less than or equal to 1, not 1\.5"
    with pytest.raises(ValueError, match=said):
        one.averaged_with(other, 1.5)
    with pytest.raises(cf.NotFittedError):
        one.averaged_with(cf.FusionColorizer())
    assert small(0, objective="mse").averaged_with(small(1, objective="huber")).predict(data.camera()).shape


def test_the_command_averages_models(pair: tuple[cf.FusionColorizer, cf.FusionColorizer], tmp_path: Path) -> None:
    photo = data.camera()[:96, :128]
    cf.write_photo(tmp_path / "scan.png", photo)
    models = [tmp_path / "one", tmp_path / "other"]
    for colorizer, model in zip(pair, models, strict=True):
        colorizer.save(model)
    command = [COMMAND, "colorize", str(tmp_path / "scan.png"), "-o", str(tmp_path / "out.png")]
    done = subprocess.run(
        [*command, *(word for model in models for word in ("--model", str(model)))], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = pair[0].averaged_with(pair[1]).predict(photo)
    assert (cf.read_photo(tmp_path / "out.png").pixels == expected).all()

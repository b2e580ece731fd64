"""The lightness of old film."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage import color, data

import colorfuse as cf
from colorfuse.data.old_film import OldFilm, blurred

PLAIN: dict[str, float] = {"tones": 0, "contrast": 0, "fading": 0, "blur": 0, "grain": 0}


def batch(count: int = 4, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    photo = cf.PhotoArray(data.astronaut()[None], image_size=side)[0]
    lightness, ab = (plane.expand(count, -1, -1, -1) for plane in photo)
    return lightness, ab


def test_exposed_lightness_is_that_of_the_mix() -> None:
    rgb = np.random.default_rng(0).random((6, 8, 3))
    lab = torch.from_numpy(color.rgb2lab(rgb)).movedim(-1, 0)[None].float()
    linear = color.rgb2xyz(rgb) @ np.linalg.inv(color.colorconv.xyz_from_rgb).T
    for mix in np.eye(3), np.array([[0.2, 0.5, 0.3]]):
        for weights in mix:
            seen = OldFilm.expose(lab[:, :1], lab[:, 1:], torch.from_numpy(weights)[None])[0, 0]
            gray = (linear @ weights)[..., None] * color.xyz_tristimulus_values(illuminant="D65", observer="2")
            expected = color.xyz2lab(gray)[..., 0]
            np.testing.assert_allclose(seen, expected, atol=0.1)


def test_luminance_weights_keep_lightness() -> None:
    lightness, ab = batch(1)
    seen = OldFilm.expose(lightness, ab, torch.tensor([[0.2126, 0.7152, 0.0722]]))
    torch.testing.assert_close(seen, lightness, atol=0.3, rtol=0)


@given(st.integers(0, 99), st.floats(0, 1))
def test_drawn_lightness_is_in_range_and_only_of_the_chosen_share(seed: int, share: float) -> None:
    lightness, ab = batch(8)
    torch.manual_seed(seed)
    drawn = OldFilm(share=share).draw(lightness, ab)
    assert drawn.shape == lightness.shape
    assert drawn.dtype == lightness.dtype
    assert drawn.min() >= 0
    assert drawn.max() <= 100
    kept = [torch.equal(one, other) for one, other in zip(drawn, lightness, strict=True)]
    torch.manual_seed(seed)
    assert kept == (~(torch.rand(8) < share)).tolist()


def test_gray_stays_gray_on_any_film() -> None:
    lightness = torch.rand(3, 1, 16, 16) * 100
    drawn = OldFilm(share=1, **PLAIN).draw(lightness, torch.zeros(3, 2, 16, 16))
    torch.testing.assert_close(drawn, lightness, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_each_strength_changes_gray(name: str) -> None:
    torch.manual_seed(0)
    lightness = torch.rand(3, 1, 16, 16) * 100
    drawn = OldFilm(share=1, **PLAIN | {name: 1.0}).draw(lightness, torch.zeros(3, 2, 16, 16))
    assert (drawn - lightness).abs().mean() > 0.1


def test_fading_leaves_neither_black_nor_white() -> None:
    lightness = torch.tensor([0.0, 100.0]).repeat(500, 8).reshape(500, 1, 4, 4)
    drawn = OldFilm(share=1, **PLAIN | {"fading": 10}).draw(lightness, torch.zeros(500, 2, 4, 4))
    assert drawn.amin(dim=(1, 2, 3)).max() == pytest.approx(10, abs=0.3)
    assert drawn.amax(dim=(1, 2, 3)).min() == pytest.approx(90, abs=0.3)


@given(st.integers(0, 99), st.lists(st.floats(0.3, 3), min_size=1, max_size=3))
def test_blur_is_gaussian(seed: int, deviations: list[float]) -> None:
    planes = torch.rand(len(deviations), 1, 24, 20, generator=torch.Generator().manual_seed(seed))
    smooth = blurred(planes, torch.tensor(deviations))
    for plane, deviation, result in zip(planes, deviations, smooth, strict=True):
        reach = 3 * max(deviations)
        expected = ndimage.gaussian_filter(
            plane[0].numpy(), deviation, mode="nearest", truncate=reach / deviation + 1
        )
        np.testing.assert_allclose(result[0], expected, atol=3e-3)


def test_training_on_film_follows_the_seed_and_the_options() -> None:
    photos = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)

    def losses(film: Any) -> list[float]:
        colorizer = cf.FusionColorizer(
            backbone="none", fusion="none", decoder="plain", old_film=film, image_size=32, epochs=1, batch_size=4
        ).fit(photos, num_workers=0)
        return [row["train_loss"] for row in colorizer.history_]

    assert losses({"share": 1.0}) == losses({"share": 1.0}) != losses(None)


def test_bad_options_are_named() -> None:
    colorizer = cf.FusionColorizer(backbone="none", fusion="none", old_film={"share": 2}, image_size=32, epochs=1)
    with pytest.raises(ValueError, match=r"old_film\.share of old_film must be"):
        colorizer.fit(np.zeros((4, 32, 32, 3), np.uint8))

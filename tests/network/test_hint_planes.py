"""Hints in the network, and the filter that spreads them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import colorfuse as cf
from colorfuse.network.hint_planes import hint_planes, no_hint_planes
from colorfuse.network.spreading import domain_transform, spread_hints


def by_recursion(maps: Tensor, lightness: Tensor) -> Tensor:
    """The filter of Gastal and Oliveira 2011, section 5.2, pixel by pixel."""
    sigma = 50 / 56 * math.sqrt(maps.shape[-2] * maps.shape[-1])

    def rows(maps: Tensor, decay: Tensor) -> Tensor:
        maps = maps.clone()
        for n in range(1, maps.shape[-1]):
            maps[..., n] += decay[..., n - 1] * (maps[..., n - 1] - maps[..., n])
        for n in range(maps.shape[-1] - 2, -1, -1):
            maps[..., n] += decay[..., n] * (maps[..., n + 1] - maps[..., n])
        return maps

    for iteration in range(3):
        sigma_of = sigma * math.sqrt(3) * 2 ** (2 - iteration) / math.sqrt(4**3 - 1)
        across, down = (1 + sigma / 20 * lightness.diff(dim=axis).abs() for axis in (-1, -2))
        maps = rows(maps, torch.exp(-math.sqrt(2) / sigma_of * across))
        maps = rows(maps.mT, torch.exp(-math.sqrt(2) / sigma_of * down.mT)).mT
    return maps


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_the_filter_is_that_of_the_paper(height: int, width: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.rand(2, 3, height, width, generator=generator)
    lightness = 100 * torch.rand(2, 1, height, width, generator=generator)
    torch.testing.assert_close(domain_transform(maps, lightness), by_recursion(maps, lightness), atol=1e-5, rtol=1e-4)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 5), st.integers(0, 10**6))
def test_a_lone_hint_spreads_its_own_colour(height: int, width: int, side: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    lightness = 0.5 + 0.1 * torch.rand(1, 1, height, width, generator=generator)
    row, column = (int(torch.randint(most, (1,), generator=generator)) for most in (height, width))
    hints = torch.zeros(1, 3, height, width)
    hints[0, :, row : row + side, column : column + side] = torch.tensor([22.0, -11.0, 1.0])[:, None, None]
    spread = hint_planes(lightness, hints)[0, 3:5]
    torch.testing.assert_close(spread, torch.tensor([0.2, -0.1])[:, None, None].expand_as(spread))


def test_the_filter_is_differentiable() -> None:
    maps = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    lightness = 100 * torch.rand(1, 1, 5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda given: domain_transform(given, lightness), maps)


def test_colours_stop_at_edges() -> None:
    lightness = torch.full((1, 1, 40, 40), 20.0)
    lightness[..., 20:] = 80.0
    hints = torch.zeros(1, 3, 40, 40)
    hints[0, :, 20, 5], hints[0, :, 20, 30] = torch.tensor([40.0, 10.0, 1.0]), torch.tensor([-30.0, 5.0, 1.0])
    ab, near = spread_hints(lightness, hints)
    assert ab[0, 0, :, :18].min() > 35
    assert ab[0, 0, :, 22:].max() < -25
    assert near[0, 0, 20, 5] > near[0, 0, 5, 18]
    assert 0 < near.min() <= near.max() <= 1


def test_no_hints_spread_no_colour() -> None:
    ab, near = spread_hints(torch.rand(1, 1, 9, 9) * 100, torch.zeros(1, 3, 9, 9))
    assert not ab.any()
    assert (near == torch.tensor(1e-12)).all()


ENCODER = {"name": "conv", "layers": [[8, 2], [16, 2], [24, 2]], "batch_norm": True}


@pytest.fixture(scope="module")
def plain() -> cf.FusionColorizer:
    colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, encoder=ENCODER, image_size=64)
    return colorizer.initialize()


def with_hints(plain: cf.FusionColorizer) -> cf.FusionColorizer:
    colorizer = cf.FusionColorizer(**plain.get_params())
    colorizer.network_, colorizer.objective_, colorizer._built_of = plain.network_, plain.objective_, {}
    return colorizer.set_params(encoder={**ENCODER, "hints": True}).initialize(warm_start=True)


def test_weights_without_hints_load_and_predict_the_same(plain: cf.FusionColorizer) -> None:
    lightness = 100 * torch.rand(2, 1, 64, 80)
    hinted = with_hints(plain)
    assert hinted.takes_hints
    assert not plain.takes_hints
    torch.testing.assert_close(hinted.render_ab(lightness), plain.render_ab(lightness))


@pytest.mark.parametrize("recipe", ["mobile", "zhang2017"])
def test_no_hints_are_an_empty_drawing(recipe: str) -> None:
    colorizer = cf.FusionColorizer.from_recipe(recipe, pretrained=False).initialize()
    lightness, hints = 100 * torch.rand(1, 1, 40, 48), torch.zeros(1, 3, 40, 48)
    assert torch.equal(colorizer.render_ab(lightness), colorizer.render_ab(lightness, hints))
    hints[..., 20, 20] = 1
    with torch.no_grad():
        assert not torch.equal(colorizer.network_(lightness), colorizer.network_(lightness, hints=hints))


def test_kept_maps_of_the_backbone_change_nothing(plain: cf.FusionColorizer) -> None:
    network, lightness = plain.network_, 100 * torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(network(lightness), network(lightness, features=network.features(lightness)))


def test_mirrored_networks_mirror_hints(plain: cf.FusionColorizer) -> None:
    colorizer = with_hints(plain)
    torch.nn.init.normal_(colorizer.network_.get_parameter("encoder.layers.0.0.weight"))
    lightness, hints = 100 * torch.rand(1, 1, 64, 64), torch.zeros(1, 3, 64, 64)
    hints[..., 10, 50] = torch.tensor([30.0, 20.0, 1.0])
    mirrored = colorizer.mirrored()
    ab = mirrored.render_ab(lightness.flip(-1), hints.flip(-1)).flip(-1)
    torch.testing.assert_close(ab, mirrored.render_ab(lightness, hints), atol=1e-3, rtol=1e-3)
    assert mirrored.takes_hints


def test_a_reference_is_global_hints() -> None:
    colorizer = cf.FusionColorizer.from_recipe("zhang2017", image_size=32).initialize()
    from skimage import data

    gray, reference = data.camera()[:40, :50], data.coffee()[::4, ::4]
    plain = colorizer.predict(gray)
    referring = colorizer.with_reference(reference)
    assert (referring.predict(gray) == colorizer.predict(gray, reference=reference)).all()
    assert referring.takes_hints
    lightness = 100 * torch.rand(2, 1, 32, 32)
    assert not torch.equal(referring.render_ab(lightness), colorizer.render_ab(lightness))
    assert (colorizer.predict(gray) == plain).all()
    with pytest.raises(cf.PhotoError, match="is gray; a reference must have the colours"):
        colorizer.predict(gray, reference=gray)
    with pytest.raises(ValueError, match="takes no reference photo; one that has learnt with hints does"):
        cf.FusionColorizer.from_pretrained().predict(gray, reference=reference)
    with pytest.raises(ValueError, match="only predicts"):
        referring.save("nowhere")


@given(st.integers(1, 2), st.integers(1, 40), st.integers(1, 40))
def test_no_hints_make_the_planes_of_empty_ones(count: int, height: int, width: int) -> None:
    lightness = torch.rand(count, 1, height, width)
    empty = hint_planes(lightness, torch.zeros(count, 3, height, width))
    torch.testing.assert_close(no_hint_planes(lightness), empty, atol=1e-6, rtol=0)

"""Hints drawn at random from true colours."""

import warnings
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import color, data

import colorfuse as cf
from colorfuse.color.plane import gamut_bins
from colorfuse.hints import SimulatedHints
from colorfuse.hints.overall import GLOBAL_VALUES, global_hints
from colorfuse.hints.simulated import normal_places, reveal


@given(st.integers(0, 999), st.integers(1, 9))
def test_patches_have_their_mean_colour(seed: int, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    ab = torch.randn(3, 2, 20, 30, generator=generator) * 20
    photo = torch.randint(3, (count,), generator=generator)
    places = torch.stack([torch.randint(side, (count,), generator=generator) for side in (20, 30)], dim=1)
    side = torch.randint(1, 9, (count,), generator=generator)
    expected = torch.zeros(3, 3, 20, 30)
    for number, (row, column), size in zip(photo.tolist(), places.tolist(), side.tolist(), strict=True):
        rows = slice(max(0, row - size // 2), row - size // 2 + size)
        columns = slice(max(0, column - size // 2), column - size // 2 + size)
        expected[number, :2, rows, columns] = ab[number, :, rows, columns].mean((1, 2))[:, None, None]
        expected[number, 2, rows, columns] = 1
    torch.testing.assert_close(reveal(ab, photo, places, side), expected)


def test_numbers_of_points_follow_the_settings() -> None:
    ab = torch.randn(4000, 2, 8, 8)
    hints = SimulatedHints(points=[(0.5, 0.999)], sides=[1]).draw(ab)
    counts = hints[:, 2].flatten(1).sum(dim=1)
    assert set(counts.tolist()) <= {0.0, 1.0, 2.0}
    assert counts.mean().item() == pytest.approx(0.5, abs=0.03)
    marked = hints[:, 2:] > 0
    torch.testing.assert_close(hints[:, :2] * marked, ab * marked)
    whole = SimulatedHints(points=[], whole=0.25).draw(ab)
    assert (whole[:, 2].flatten(1).mean(dim=1) == 1).float().mean().item() == pytest.approx(0.25, abs=0.03)
    drawn = SimulatedHints()._counts(20000)
    assert (drawn == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert drawn.float().mean().item() == pytest.approx(0.5 * 8 + 0.2 * 60, rel=0.05)


def test_all_photos_may_get_points() -> None:
    hints = SimulatedHints(points=[(0.5, 0.5), (0.5, 0.9)], sides=[1]).draw(torch.randn(500, 2, 8, 8))
    assert (hints[:, 2].flatten(1).sum(dim=1) > 0).all()


def test_draws_follow_the_seed() -> None:
    ab = torch.randn(9, 2, 16, 16)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(SimulatedHints().draw(ab))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_places_are_normally_distributed_around_the_centre() -> None:
    places = normal_places(20000, (100, 200)).double()
    assert places.mean(dim=0).tolist() == pytest.approx([50, 100], abs=2)
    assert places.amin(dim=0).tolist() == [0, 0]
    assert places.amax(dim=0).tolist() == [99, 199]
    within = ((places[:, 0] - 50).abs() < 25).double().mean().item()
    assert within == pytest.approx(0.683, abs=0.02)  # one standard deviation


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"points": [[0.9, 0.5], [0.2, 0.5]]}, "the shares of photos with hints sum to 1.1"),
        ({"points": [[0.9, 1.5]]}, r"simulated_hints\.points\[0\]\[1\] of simulated_hints must be less than 1"),
        ({"sides": []}, r"simulated_hints\.sides"),
        ({"size": 3}, r"simulated_hints\.size is no option of simulated_hints; its options are points"),
    ],
)
def test_wrong_settings_are_named(options: dict[str, Any], said: str) -> None:
    colorizer = cf.FusionColorizer(backbone="none", fusion="none", simulated_hints=options, image_size=32, epochs=1)
    with pytest.raises(ValueError, match=said):
        colorizer.fit(data.astronaut()[None])


def test_global_hints_are_those_of_scikit_image() -> None:
    rgb = data.astronaut()[::4, ::4]
    lab = torch.from_numpy(color.rgb2lab(rgb)).movedim(-1, 0).float()[None]
    values = global_hints(lab[:, :1], lab[:, 1:])
    assert values.shape == (1, GLOBAL_VALUES)
    assert values[0, -2].item() == pytest.approx(color.rgb2hsv(rgb)[..., 1].mean(), abs=0.01)
    assert values[0, [-3, -1]].tolist() == [1.0, 1.0]
    assert values[0, :313].sum().item() == pytest.approx(1)
    mean = (values[0, :313, None] * gamut_bins()).sum(dim=0)
    torch.testing.assert_close(mean, lab[0, 1:].mean(dim=(1, 2)), atol=1.0, rtol=0)


def test_global_hints_count_each_pixel_of_a_quarter_once() -> None:
    """The cells at the borders, which are smaller, have the mean of what is in the photo."""
    bins = gamut_bins()
    wide = torch.arange(5).repeat_interleave(4)[:18].expand(7, -1)  # columns of 4 pixels, and one of 2
    rows = (torch.arange(7) // 4)[:, None]
    chosen = (wide + 5 * rows) * 17
    ab = bins[chosen].movedim(-1, 0)[None]
    histogram = global_hints(torch.full((1, 1, 7, 18), 50.0), ab)[0, : len(bins)]
    expected = torch.zeros(len(bins))
    expected[torch.arange(10) * 17] = 0.1
    torch.testing.assert_close(histogram, expected)


def test_saturation_is_of_colours_that_screens_show() -> None:
    lightness, ab = torch.full((1, 1, 4, 4), 50.0), torch.tensor([0.0, 110.0])[None, :, None, None].expand(1, 2, 4, 4)
    assert global_hints(lightness, ab)[0, -2].item() == 1.0
    bright, ab = torch.full((1, 1, 4, 4), 99.0), torch.tensor([60.0, 0.0])[None, :, None, None].expand(1, 2, 4, 4)
    lab = torch.cat([bright, ab], dim=1)[0, :, 0, 0].numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rgb = color.lab2rgb(lab)  # cut off at 0 and 1
    assert global_hints(bright, ab)[0, -2].item() == pytest.approx(rgb.max() - rgb.min(), abs=1e-3)


def test_global_hints_are_given_to_a_share_of_the_photos() -> None:
    lightness, ab = torch.full((2000, 1, 4, 4), 50.0), torch.randn(2000, 2, 4, 4)
    drawn = SimulatedHints(histogram=0.25, saturation=0.5).draw_global(lightness, ab)
    assert drawn[:, 313].mean().item() == pytest.approx(0.25, abs=0.04)
    assert drawn[:, 315].mean().item() == pytest.approx(0.5, abs=0.04)
    assert (drawn[drawn[:, 313] == 0, :313] == 0).all()

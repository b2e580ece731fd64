"""Hints in prediction."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color, data
from torch import Tensor

import colorfuse as cf
from colorfuse.hints import Point
from colorfuse.images import read_photo
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.scaling import Hinted
from colorfuse.inference.suggestions import suggest_colors
from colorfuse.network.spreading import spread_hints


class Spreading(cf.Colorizer):
    """Colours photos with their hints alone, spread along edges."""

    takes_hints = True
    render_size = 64

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        return (
            torch.zeros_like(lightness.expand(-1, 2, -1, -1)) if hints is None else spread_hints(lightness, hints)[0]
        )


class Deaf(Spreading):
    """A system that does not obey: it is orange at a quarter of its size, whatever the hints."""

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        return torch.tensor([15.0, 25.0]).reshape(1, 2, 1, 1).expand(len(lightness), 2, 16, 16)


NETWORK = cf.FusionColorizer(
    backbone="test_efficientnet", pretrained=False, objective="classification", image_size=64
).initialize()
"""A network that has learnt nothing, least of all to obey."""
GRAY16 = (data.camera()[100:300, 100:340].astype(np.uint16) * 257 // 2) + 8000


@pytest.fixture
def network() -> cf.FusionColorizer:
    return NETWORK


def ab_at(pixels: Any, row: int, column: int) -> Any:
    return color.rgb2lab(pixels[row, column].astype(np.float64) / 65535)[1:]


@settings(max_examples=25)
@given(st.integers(0, 199), st.integers(0, 239), st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 9))
def test_a_mark_has_its_colour_at_full_size(row: int, column: int, a: float, b: float, radius: int) -> None:
    for system in (Deaf(), Spreading(), NETWORK):
        pixels = system.predict(GRAY16, hints=[(row, column, {"ab": [a, b]}, radius)])
        assert pixels.dtype == np.uint16
        lightness = color.rgb2lab(_rgb(GRAY16)[row, column] / 65535)[0]
        shown = cf.reduce_chroma(torch.tensor([lightness, a, b], dtype=torch.float64).reshape(3, 1, 1))
        np.testing.assert_allclose(ab_at(pixels, row, column), shown[1:].flatten(), atol=1)
        np.testing.assert_allclose(color.rgb2lab(pixels)[..., 0], color.rgb2lab(_rgb(GRAY16))[..., 0], atol=0.5)


def _rgb(gray: Any) -> Any:
    return np.repeat(gray[..., None], 3, axis=2)


def test_the_change_is_smooth_around_a_mark_and_nothing_changes_elsewhere() -> None:
    gray = np.full((512, 512), 0.5, np.float32)
    plain, hinted = Deaf().predict(gray), Deaf().predict(gray, hints=[(256, 256, {"ab": [-20, -10]}, 4)])
    change = np.linalg.norm(color.rgb2lab(hinted)[..., 1:] - color.rgb2lab(plain)[..., 1:], axis=-1)
    total = change.max()
    assert total > 40
    steps = np.maximum(np.abs(np.diff(change, axis=0)).max(), np.abs(np.diff(change, axis=1)).max())
    assert steps < total / 8  # a mark that is put on top would jump by all of it
    far = np.hypot(*np.indices(gray.shape) - np.array([256, 256])[:, None, None]) > 80
    np.testing.assert_allclose(hinted[far], plain[far], atol=1e-5)


def test_a_hint_of_the_predicted_colour_changes_little(network: cf.FusionColorizer) -> None:
    plain = color.rgb2lab(network.predict(GRAY16))[..., 1:]
    hinted = color.rgb2lab(network.predict(GRAY16, hints=[(90, 100, {"ab": plain[90, 100]}, 5)]))[..., 1:]
    wrong = color.rgb2lab(network.predict(GRAY16, hints=[(90, 100, {"ab": plain[90, 100] + 60}, 5)]))[..., 1:]
    assert np.abs(plain - hinted).mean() < 0.2 * np.abs(plain - wrong).mean()


def test_more_hints_lower_the_error() -> None:
    photos = data.astronaut()[None, ::2, ::2]
    result = cf.evaluate(Spreading(), photos, "square256", figures=["psnr", "squared_error"], hints=(1, 10, 100))
    errors = [result.mean(row, "squared_error") for row in ("gray", "10 hints", "100 hints")]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.5 * errors[0]


def test_photos_without_hints_are_unchanged_beside_those_with(network: cf.FusionColorizer) -> None:
    gray = data.camera()[:100, :120]
    first, second = network.predict([gray, gray], hints=[None, [(10, 10, "red")]])
    assert (first == network.predict(gray)).all()
    assert (second == network.predict(gray, hints=[(10, 10, "red")])).all()
    assert (network.predict(gray, hints=[]) == first).all()


def test_photos_with_and_without_hints_in_one_batch(network: cf.FusionColorizer) -> None:
    photos = [Hinted(read_photo(GRAY16)), Hinted(read_photo(GRAY16), cf.read_hints([(10, 10, "red")]))]
    together = Predictor(network.render_ab, 64, "guided", batch_size=2).predict(photos)
    for photo, colored in zip(photos, together, strict=True):
        alone = network.predict(GRAY16, hints=photo.hints)
        assert np.abs(colored.astype(int) - alone).max() < 65535 / 255


def test_opacity_counts_only_where_it_is_weighed(network: cf.FusionColorizer) -> None:
    gray, layer = data.camera()[:64, :64], np.zeros((64, 64, 4), np.uint8)
    layer[10:20, 10:20] = 255, 0, 0, 255
    opaque = network.predict(gray, hints=layer)
    layer[..., 3] = layer[..., 3] * 0.8
    assert (network.predict(gray, hints=layer) == opaque).all()
    assert (network.prepare(gray).predict(layer) == opaque).all()


def test_folders_of_photos_and_hints(network: cf.FusionColorizer, tmp_path: Path) -> None:
    gray, hints = data.camera()[:60, :50], tmp_path / "hints"
    photos = tmp_path / "photos"
    for folder in (photos, hints):
        folder.mkdir()
    for name in "abc":
        cf.write_photo(photos / f"{name}.png", gray)
    (hints / "b.json").write_text('[{"x": 3, "y": 4, "color": "red"}]')
    (hints / "c.json").write_text('[{"x": 300, "y": 4, "color": "red"}]')
    stream: Any = network.predict(photos, hints=hints)
    assert (next(stream) == network.predict(gray)).all()
    assert (next(stream) == network.predict(gray, hints=[(4, 3, "red")])).all()
    with pytest.raises(cf.HintsError, match="row 4, column 300 is outside the photo"):
        next(stream)
    predictions = network.predict_each(photos, hints=hints)
    assert len(list(predictions)) == 2
    ((source, error),) = predictions.errors
    assert source == photos / "c.png"
    assert isinstance(error, cf.HintsError)


def test_a_network_that_did_not_learn_with_hints_takes_none() -> None:
    colorizer = cf.FusionColorizer(backbone="none", fusion="none", simulated_hints=None, image_size=32).initialize()
    with pytest.raises(ValueError, match="takes no hints, or has not learnt with any"):
        colorizer.predict(data.camera(), hints=[(1, 2, "red")])


def test_systems_without_hints_say_so() -> None:
    colorizer = cf.FusionColorizer.from_pretrained()
    said = (
        "or has not learnt with any; FusionColorizer.from_pretrained.* has, in the shell --model interactive, "
        "and levin2004"
    )
    for call in (
        lambda: colorizer.predict(data.camera(), hints=[(1, 2, "red")]),
        lambda: colorizer.predict_each([data.camera()], hints=[None]),
        lambda: colorizer.predict_ab(torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32)),
        lambda: colorizer.prepare(data.camera()).predict([(1, 2, "red")]),
        lambda: cf.evaluate(colorizer, data.astronaut()[None], hints=(1,)),
    ):
        with pytest.raises(ValueError, match=said):
            call()


def test_hints_as_tensors(network: cf.FusionColorizer) -> None:
    lightness, hints = 100 * torch.rand(2, 1, 50, 70), torch.zeros(2, 3, 50, 70)
    hints[0, :, 20, 30] = torch.tensor([12.0, -7.0, 1.0])
    ab = network.predict_ab(lightness, hints)
    assert ab[0, :, 20, 30].tolist() == [12.0, -7.0]
    torch.testing.assert_close(ab[1], network.predict_ab(lightness)[1])
    with pytest.raises(ValueError, match=r"hints must have shape \(2, 3, 50, 70\)"):
        network.predict_ab(lightness, hints[:, :2])


class TestPreparedPhoto:
    def test_it_predicts_what_predict_does(self, network: cf.FusionColorizer) -> None:
        gray, hints = data.camera()[:150, :130], [(10, 10, "red"), (99, 120, None, 5)]
        photo = network.prepare(gray)
        for given_hints in (None, hints, hints[:1], []):
            assert (photo.predict(given_hints) == network.predict(gray, hints=given_hints)).all()
        assert (photo.predict(hints, saturation=0.0) == network.predict(gray, hints=hints, saturation=0.0)).all()

    def test_too_large_a_size_raises(self, network: cf.FusionColorizer) -> None:
        with pytest.raises(MemoryError, match="render_size=1000000 takes about .* GiB of memory"):
            network.prepare(data.camera(), render_size=10**6)

    def test_it_serves_mirrored_copies_and_systems(self, network: cf.FusionColorizer) -> None:
        gray, hints = data.camera()[:50, :60], [(10, 10, "red")]
        for colorizer in (network.mirrored(), Spreading()):
            assert (colorizer.prepare(gray).predict(hints) == colorizer.predict(gray, hints=hints)).all()
        with pytest.raises(ValueError, match="predicts one colour for each pixel, and has no others to suggest"):
            Spreading().suggest(gray, (1, 2))

    def test_suggestions_are_in_the_gamut_and_sum_to_1(self, network: cf.FusionColorizer) -> None:
        gray = data.camera()[:50, :60]
        suggestions = network.suggest(gray, (20, 30), count=5)
        assert 1 <= len(suggestions) <= 5
        shares = [suggestion.share for suggestion in suggestions]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)
        lightness = color.rgb2lab(_rgb(gray[20:21, 30:31]))[0, 0, 0]
        for suggestion in suggestions:
            rgb = np.array([int(suggestion.color[place : place + 2], 16) for place in (1, 3, 5)], np.uint8)
            assert color.rgb2lab(rgb)[0] == pytest.approx(lightness, abs=1)
        assert network.suggest(gray, (20, 30), count=5) == suggestions
        hints = [(20, 30, "#c03020", 6)]
        assert network.suggest(gray, (20, 30), hints=hints, count=5) != suggestions
        assert (network.prepare(gray).uncertainty(hints) != network.prepare(gray).uncertainty()).any()
        with pytest.raises(cf.HintsError, match="row 50, column 3 is outside"):
            network.suggest(gray, (50, 3))
        with pytest.raises(ValueError, match="count of the suggestions must be greater than or equal to 1"):
            network.suggest(gray, (5, 3), count=0)

    def test_regression_has_no_suggestions(self) -> None:
        colorizer = cf.FusionColorizer(backbone="none", fusion="none", image_size=32).initialize()
        with pytest.raises(ValueError, match="MeanSquaredError predicts one colour for each pixel"):
            colorizer.suggest(data.camera(), (3, 4))

    @pytest.mark.parametrize("objective", ["classification", "histogram"])
    def test_uncertainty_is_entropy(self, objective: str) -> None:
        colorizer = cf.FusionColorizer(
            backbone="none", fusion="none", objective=objective, image_size=32
        ).initialize()
        gray = data.camera()[:70, :50]
        entropy = colorizer.prepare(gray).uncertainty()
        assert entropy.shape == (70, 50)
        count = {"classification": 313, "histogram": 32 * 32}[objective]
        assert 0 <= entropy.min() <= entropy.max() <= np.log2(count) + 1e-4
        planes: Any = colorizer.network_.decoder.planes
        torch.nn.init.zeros_(planes.weight)
        torch.nn.init.zeros_(planes.bias)  # all colours are as likely
        np.testing.assert_allclose(colorizer.prepare(gray).uncertainty(), np.log2(count), atol=1e-3)
        lightness = torch.full((1, 1, 32, 32), 50.0)
        certainty = colorizer.render_with_certainty(lightness)[:, 2]
        torch.testing.assert_close(certainty, torch.full_like(certainty, 1 / count), rtol=1e-3, atol=0)
        with torch.no_grad():
            planes.bias[[7] if objective == "classification" else [7, 39]] = 100.0  # one is certain
        assert abs(colorizer.prepare(gray).uncertainty()).max() < 1e-3
        certainty = colorizer.render_with_certainty(lightness)[:, 2]
        torch.testing.assert_close(certainty, torch.ones_like(certainty), rtol=1e-3, atol=0)

    def test_under_a_mark_saturation_changes_nothing(self) -> None:
        gray = data.camera()[:200, :240]
        hints = [(60, 70, {"ab": [10, -10]}, 5)]
        pixels = Spreading().predict(gray, hints=hints, saturation=0)
        assert color.rgb2lab(pixels[60:61, 70:71])[0, 0, 1:] == pytest.approx([10, -10], abs=1)
        assert np.ptp(pixels[190, 230].astype(int)) <= 2


def test_suggestions_are_the_clusters_of_a_distribution() -> None:
    bins = torch.tensor([[10.0, 10.0], [12.0, 10.0], [-20.0, 5.0], [100.0, -100.0]])
    first, second = suggest_colors(bins, torch.tensor([0.3, 0.1, 0.2, 0.4]), 50.0, 2)
    assert first.ab == pytest.approx((10.5, 10.0))
    assert (first.share, second.share) == pytest.approx((2 / 3, 1 / 3))  # sRGB has no such violet
    assert len(suggest_colors(bins, torch.tensor([0.3, 0.1, 0.2, 0.4]), 50.0, 9)) == 3
    (white,) = suggest_colors(bins, torch.tensor([0.3, 0.1, 0.2, 0.4]), 100.0, 1)
    assert white.color == "#ffffff"


def test_later_marks_cover_earlier_ones() -> None:
    marks = [Point(row=50, column=50, ab=(20.0, 0.0), radius=8), Point(row=50, column=54, ab=(0.0, 20.0), radius=2)]
    pixels = Spreading().predict(GRAY16, hints=cf.Hints(marks))
    np.testing.assert_allclose(ab_at(pixels, 50, 54), [0, 20], atol=1)
    np.testing.assert_allclose(ab_at(pixels, 50, 46), [20, 0], atol=1)

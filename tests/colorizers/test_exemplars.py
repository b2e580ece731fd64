"""Systems that colour a photo like a reference."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import fft
from skimage import color, data

import colorfuse as cf
from colorfuse.colorizers.exemplar import jittered_grid, standardized
from colorfuse.colorizers.irony import Irony2005
from colorfuse.colorizers.patches import cosine_transform, window_deviation, windows_at
from colorfuse.colorizers.references import read_references
from colorfuse.colorizers.segments import segments_at_size
from colorfuse.colorizers.surf import dense_surf
from colorfuse.colorizers.welsh import Welsh2002

SYSTEMS: list[tuple[str, dict[str, Any]]] = [
    ("welsh2002", {"render_size": 96}),
    ("irony2005", {"render_size": 64}),
    ("charpiat2008", {"render_size": 40, "colors": 16, "samples": 800, "sweeps": 1}),
]
PHOTO = np.asarray(Image.fromarray(data.coffee()).resize((150, 100)))
TWIN = np.ascontiguousarray(PHOTO[8:92, 10:140][:, ::-1])
NARROW = np.random.default_rng(0).integers(0, 256, (3, 150, 3), np.uint8)
GRAY = np.asarray(Image.fromarray(PHOTO).convert("L"))


def off(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Mean distance of ab."""
    apart = color.rgb2lab(one)[..., 1:] - color.rgb2lab(other)[..., 1:]
    return float(np.hypot(apart[..., 0], apart[..., 1]).mean())


@pytest.mark.parametrize(("name", "options"), SYSTEMS)
class TestEveryExemplar:
    def test_takes_the_colours_of_a_twin(self, name: str, options: dict[str, Any]) -> None:
        colored = cf.create_colorizer(name, **options).fit(TWIN).predict(GRAY)
        assert off(colored, PHOTO) < 0.6 * off(np.stack([GRAY] * 3, axis=-1), PHOTO)
        before, after = (color.rgb2lab(its)[..., 0] for its in (np.stack([GRAY] * 3, axis=-1), colored))
        assert np.abs(before - after).max() < 0.6

    def test_a_reference_given_to_predict_is_fitted_to_a_copy(self, name: str, options: dict[str, Any]) -> None:
        system = cf.create_colorizer(name, **options)
        fitted = cf.create_colorizer(name, **options).fit(TWIN).predict(GRAY)
        assert (system.predict(GRAY, reference=TWIN) == fitted).all()
        with pytest.raises(
            cf.NotFittedError, match="give predict a reference photo, in the shell --reference, or call fit"
        ):
            system.predict(GRAY)

    def test_takes_several_references_and_folders(self, name: str, options: dict[str, Any], tmp_path: Path) -> None:
        for number, photo in enumerate((TWIN, data.chelsea()[::4, ::4])):
            Image.fromarray(photo).save(tmp_path / f"{number}.png")
        together = cf.create_colorizer(name, **options).fit([TWIN, tmp_path / "1.png"]).predict(GRAY)
        of_folder = cf.create_colorizer(name, **options).fit(tmp_path).predict(GRAY)
        assert (together == of_folder).all()
        assert off(together, PHOTO) < off(np.stack([GRAY] * 3, axis=-1), PHOTO)

    def test_seeds_decide_all_draws(self, name: str, options: dict[str, Any]) -> None:
        one, again, other = (
            cf.create_colorizer(name, **options | {"samples": 60}, seed=seed).predict(GRAY, reference=TWIN)
            for seed in (1, 1, 2)
        )
        assert (one == again).all()
        assert (one != other).any()

    def test_photos_of_any_depth_and_alpha(self, name: str, options: dict[str, Any]) -> None:
        system = cf.create_colorizer(name, **options).fit(TWIN)
        deep = system.predict((GRAY[..., None].repeat(4, axis=2).astype(np.uint16)) * 257)
        assert deep.dtype == np.uint16
        assert deep.shape == (100, 150, 4)

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            (GRAY, "is gray; a reference must have the colours that are wanted"),
            (np.stack([GRAY] * 3, axis=-1), "is gray"),
            (np.full((50, 60, 3), (200, 30, 40), np.uint8), "has a single colour"),
            (np.stack([GRAY, GRAY * 0.8, GRAY * 0.6], axis=-1).astype(np.uint8), "is toned"),
            (NARROW, "150 x 3 pixels, and the system looks at windows of"),
            ([], "an empty list has no reference"),
        ],
    )
    def test_bad_references_are_named(self, name: str, options: dict[str, Any], reference: Any, said: str) -> None:
        with pytest.raises(cf.PhotoError, match=said):
            cf.create_colorizer(name, **options | {"render_size": 150}).fit(reference)

    def test_bad_settings_are_named(self, name: str, options: dict[str, Any]) -> None:
        for setting, value in (("samples", 0), ("window", 1.5), ("seed", -1)):
            with pytest.raises(ValueError, match=f"{setting} of .*{name}.* must be"):
                cf.create_colorizer(name, **options | {setting: value}).fit(TWIN)


@pytest.mark.parametrize(("name", "options"), SYSTEMS[1:])
def test_hints_come_before_the_reference(name: str, options: dict[str, Any]) -> None:
    system = cf.create_colorizer(name, **options).fit(TWIN)
    plain = system.predict(GRAY)
    row, column = np.unravel_index(np.abs(GRAY.astype(int) - 110).argmin(), GRAY.shape)
    hinted = system.predict(GRAY, hints=[(row, column, "royalblue", 4)])
    before, after = (color.rgb2lab(its)[..., 2] for its in (plain, hinted))
    assert after[row, column] < -30
    around = np.hypot(*np.ogrid[-row : GRAY.shape[0] - row, -column : GRAY.shape[1] - column])
    assert (after < before - 5)[(around > 4) & (around < 6)].mean() > 0.5, "the pixels beside the mark follow it"
    assert np.abs(after - before)[around > 60].mean() < 0.1, "those far away stay as the reference has them"


@pytest.mark.parametrize(("name", "options"), SYSTEMS)
def test_settings_that_change_after_fit_are_named(name: str, options: dict[str, Any]) -> None:
    system = cf.create_colorizer(name, **options).fit(TWIN)
    with pytest.raises(cf.NotFittedError, match="window, seed changed after fit; call fit again"):
        system.set_params(window=3, seed=9).predict(GRAY)
    assert system.fit(TWIN).set_params(upsample="bilinear").predict(GRAY).shape == (100, 150, 3)


@pytest.mark.parametrize(("name", "options"), SYSTEMS)
def test_what_is_seen_of_a_reference_counts(name: str, options: dict[str, Any]) -> None:
    hidden = np.dstack([TWIN, np.full(TWIN.shape[:2], 255, np.uint8)])
    hidden[:40, :, 3] = 0
    on_white = TWIN.copy()
    on_white[:40] = 255
    system = cf.create_colorizer(name, **options)
    assert (system.predict(GRAY, reference=hidden) == system.predict(GRAY, reference=on_white)).all()
    catalogue = np.full((100, 100, 3), 255, np.uint8)
    catalogue[45:60, 45:60], catalogue[45:60, 60:65] = (200, 30, 40), (30, 40, 190)
    assert system.predict(GRAY, reference=catalogue).shape == (100, 150, 3)
    with pytest.raises(
        ValueError, match=rf"render_size of {type(system).__name__} must be greater than or equal to 32"
    ):
        system.predict(GRAY, reference=TWIN, render_size=0)


@example(height=13, width=2, count=1, seed=0)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 60), st.integers(0, 99))
def test_a_jittered_grid_has_a_place_in_each_cell(height: int, width: int, count: int, seed: int) -> None:
    places = jittered_grid(height, width, count, np.random.default_rng(seed))
    assert places.shape[1] == 2
    assert (places >= 0).all()
    assert (places < [height, width]).all()
    if count < min(height, width):
        assert count / 2 <= len(places) <= 2 * count
    assert len(np.unique(places, axis=0)) > len(places) * 0.5


class TestWelsh:
    @settings(max_examples=10)
    @given(st.integers(0, 999))
    def test_matches_are_those_of_a_brute_force_search(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        reference, gray = rng.integers(0, 256, (20, 24, 3), np.uint8), rng.integers(0, 256, (18, 16), np.uint8)
        system = Welsh2002(samples=30, lightness_weight=0.3).fit(reference)
        lightness = cf.gray_to_lightness(torch.from_numpy(gray)[None, None])
        found = system.render_ab(lightness)[0].numpy()
        lab = system.references_[0].lab
        height, width = lab.shape[1:]
        rows, columns = jittered_grid(height, width, 30, np.random.default_rng(0)).T

        def described(values: NDArray[Any]) -> NDArray[Any]:
            scaled = (values - values.mean()) / values.std()
            padded = np.pad(scaled, 2, mode="reflect")
            deviation = [
                [padded[row : row + 5, column : column + 5].std() for column in range(values.shape[1])]
                for row in range(values.shape[0])
            ]
            return np.stack([scaled, np.array(deviation)])

        its, samples = described(lightness[0, 0].double().numpy()), described(lab[0].astype(float))[:, rows, columns]
        off = np.tensordot([0.3, 0.7], (its[:, :, :, None] - samples[:, None, None]) ** 2, axes=1)
        best = off.min(axis=2)
        chosen = (np.abs(found[:, :, :, None] - lab[1:, rows, columns][:, None, None]).sum(axis=0) < 1e-3) * 1.0
        assert ((off <= best[..., None] + 1e-4) * chosen).any(axis=2).all()

    def test_swatches_colour_their_places_and_the_rest_by_texture(self) -> None:
        reference = np.zeros((60, 90, 3), np.uint8)
        rng = np.random.default_rng(0)
        texture = np.where(np.indices((60, 90)).sum(axis=0) % 6 < 3, 150, 90) + rng.integers(0, 9, (60, 90))
        reference[:, :45] = np.stack([texture, texture // 2, texture // 2], axis=-1)[:, :45]
        reference[:, 45:] = np.stack([texture // 3, texture // 2, 110 + texture // 9], axis=-1)[:, 45:]
        photo = np.full((60, 90), 120, np.uint8)
        photo[:, :45] = texture[:, :45]  # the left is striped as the reference is, the right is even
        swatches = [((5, 5, 55, 40), (5, 5, 25, 40)), ((5, 50, 55, 85), (5, 50, 25, 85))]
        as_array: Any = np.array(swatches)
        painted = color.rgb2lab(Welsh2002(swatches=as_array).fit(reference).predict(photo))
        assert (painted[30:, :40, 2] > 5).mean() > 0.9
        assert (painted[30:, 50:, 2] < -10).mean() > 0.9

    @pytest.mark.parametrize(
        ("swatches", "said"),
        [
            (
                [((0, 0, 300, 10), (0, 0, 10, 10))],
                r"\(0, 0, 300, 10\) must be \(top, left, bottom, right\)",
            ),
            ([((0, 0, 10, 10), (0, 0, 10, 151))], r"within the photo, which has 100 rows and 150 columns"),
            ([((5, 5, 5, 10), (0, 0, 10, 10))], "within the reference"),
            ([((0, 0, 10, 10),)], "is no pair of rectangles"),
        ],
    )
    def test_bad_swatches_are_named(self, swatches: Any, said: str) -> None:
        with pytest.raises(cf.HintsError, match=said):
            Welsh2002(swatches=swatches).fit(TWIN).predict(GRAY)

    def test_swatches_are_of_one_reference_and_photo(self) -> None:
        swatches = [((0, 0, 10, 10), (0, 0, 10, 10))]
        with pytest.raises(cf.PhotoError, match="swatches are places of one reference, and there are 2"):
            Welsh2002(swatches=swatches).fit([TWIN, TWIN])
        with pytest.raises(ValueError, match="call predict with it"):
            Welsh2002(swatches=swatches).fit(TWIN).predict_ab(torch.rand(1, 1, 40, 40) * 100)
        with pytest.raises(ValueError, match="takes no hints"):
            Welsh2002().fit(TWIN).predict(GRAY, hints=[(1, 1, "red")])


def test_a_photo_that_is_like_no_reference_takes_the_nearest_colours() -> None:
    system: Any = cf.create_colorizer("charpiat2008", **SYSTEMS[2][1]).fit(TWIN)
    system._bandwidth = 1e-3  # as of samples that are nearly all alike
    assert color.rgb2lab(system.predict(GRAY))[..., 1:].std(axis=(0, 1)).max() > 5


class TestIrony:
    @settings(max_examples=5)
    @given(st.integers(0, 999), st.sampled_from([3, 5]))
    def test_votes_are_those_of_a_direct_loop(self, seed: int, window: int) -> None:
        rng = np.random.default_rng(seed)
        system = Irony2005(window=window)
        system._ab = [rng.normal(size=(2, 9, 8)).astype(np.float32)]
        system._places = np.stack([np.zeros(20, int), rng.integers(0, 9, 20), rng.integers(0, 8, 20)], axis=1)
        weights, nearest = rng.random((7, 6)), rng.integers(0, 20, (7, 6))
        labels = rng.integers(0, 3, (7, 6))
        match = system._voted(weights, labels, nearest)
        reach = window // 2
        for row in range(7):
            for column in range(6):
                around = [
                    (down, right)
                    for down in range(max(0, row - reach), min(7, row + reach + 1))
                    for right in range(max(0, column - reach), min(6, column + reach + 1))
                ]
                votes = {label: sum(weights[q] for q in around if labels[q] == label) for label in range(3)}
                most = max(votes, key=lambda label: votes[label])
                np.testing.assert_allclose(
                    match.confidence[row, column], votes[most] / sum(votes.values()), rtol=1e-5
                )
                mixed = np.zeros(2)
                for down, right in around:
                    if labels[down, right] == most:
                        _, there, beside = system._places[nearest[down, right]]
                        place = np.clip(there + row - down, 0, 8), np.clip(beside + column - right, 0, 7)
                        mixed += weights[down, right] * system._ab[0][:, place[0], place[1]]
                np.testing.assert_allclose(match.ab[:, row, column], mixed / votes[most], rtol=1e-4, atol=1e-5)

    def test_another_reference_leaves_the_samples_of_the_first_what_they_are(self) -> None:
        alone, beside = (
            off(Irony2005(render_size=64).fit(references).predict(GRAY), PHOTO)
            for references in (PHOTO, [data.chelsea()[::4, ::4], PHOTO])
        )
        assert beside < 2 * alone

    def test_segments_may_be_given(self) -> None:
        segments = np.ones(PHOTO.shape[:2], np.uint8)
        segments[:, 75:] = 2
        segments[:10] = 0
        system = Irony2005(render_size=64).fit(PHOTO, segments=segments)
        assert set(np.unique(system.segments_[0])) == {0, 1, 2}
        system.predict(GRAY)
        assert system.confidence_.min() >= 0
        assert 0.5 < system.confidence_.max() <= 1
        again = Irony2005(render_size=64).fit([PHOTO, PHOTO], segments=[segments, segments])
        assert len(again.segments_) == 2
        one = Irony2005(render_size=64).fit(PHOTO, segments=np.ones(PHOTO.shape[:2], int)).predict(GRAY)
        assert off(one, PHOTO) < off(np.stack([GRAY] * 3, axis=-1), PHOTO)

    def test_mirrored_segments_are_mirrored(self) -> None:
        reference = read_references(PHOTO, 64)[0]
        off = []
        for column in range(1, 150):
            segments = np.ones(PHOTO.shape[:2], int)
            segments[:, column:] = 2
            mirrored = segments_at_size(segments[:, ::-1], reference)[:, ::-1]
            off.append((mirrored != segments_at_size(segments, reference)).sum(axis=1).max())
        assert np.mean(off) < 0.1  # the centre of a pixel may lie between two

    @pytest.mark.parametrize(
        ("segments", "said"),
        [
            (np.ones((9, 9), int), r"integers of the reference's size \(100, 150\), not int64 of \(9, 9\)"),
            (np.ones((100, 150)), "not float64"),
            (np.zeros((100, 150), int), "are all 0"),
            ([np.ones((100, 150), int)] * 2, "segments for 2 references, and 1 of these"),
        ],
    )
    def test_bad_segments_are_named(self, segments: Any, said: str) -> None:
        with pytest.raises(cf.HintsError, match=said):
            Irony2005().fit(PHOTO, segments=segments)

    def test_pixels_that_match_exactly_leave_the_others_their_votes(self) -> None:
        photo = np.full((100, 150, 3), 255, np.uint8)
        photo[30:70, 40:110] = PHOTO[30:70, 40:110]
        gray = np.asarray(Image.fromarray(photo).convert("L"))
        system = Irony2005(render_size=120).fit(photo)
        colored = system.predict(gray)[30:70, 40:110]
        assert off(colored, photo[30:70, 40:110]) < 0.6 * off(
            gray[30:70, 40:110, None].repeat(3, 2), PHOTO[30:70, 40:110]
        )
        assert system.confidence_.min() > 0


class TestPatches:
    @given(st.integers(2, 6), st.integers(0, 99))
    def test_cosine_transforms_are_those_of_scipy(self, window: int, seed: int) -> None:
        gray = np.random.default_rng(seed).normal(size=(9, 11))
        padded = np.pad(gray, (window // 2, window - 1 - window // 2), mode="reflect")
        expected = [
            fft.dctn(padded[row : row + window, column : column + window], norm="ortho").ravel()
            for row in range(9)
            for column in range(11)
        ]
        np.testing.assert_allclose(cosine_transform(gray, window), expected, atol=1e-4)
        projection = np.random.default_rng(1).normal(size=(window**2, 3))
        np.testing.assert_allclose(
            cosine_transform(gray, window, projection), np.array(expected) @ projection, atol=1e-3
        )

    def test_windows_are_reflected(self) -> None:
        gray = np.arange(12.0).reshape(3, 4)
        assert windows_at(gray, np.array([[0, 0]]), 3).tolist() == [[5, 4, 5, 1, 0, 1, 5, 4, 5]]
        assert window_deviation(np.ones((5, 5)), 3).max() < 1e-6

    def test_references_are_compared_at_one_size(self) -> None:
        system = cf.create_colorizer("welsh2002", render_size=48).fit(data.coffee()[::8, ::8])
        with pytest.raises(cf.NotFittedError, match="render_size changed after fit; call fit again"):
            system.set_params(render_size=32).predict(data.camera()[::8, ::8])
        with pytest.raises(cf.NotFittedError, match="described at render_size=48"):
            system.set_params(render_size=48).predict(data.camera()[::8, ::8], render_size=32)

    @pytest.mark.parametrize("name", ["welsh2002", "charpiat2008"])
    @pytest.mark.parametrize("size", [(20, 20), (64, 64), (75, 50)])
    def test_an_even_photo_gets_one_colour(self, name: str, size: tuple[int, int]) -> None:
        system = cf.create_colorizer(name, render_size=32).fit(data.coffee()[::8, ::8])
        colored = system.predict(np.full(size, 110, np.uint8)).reshape(-1, 3).astype(int)
        assert np.ptp(colored, axis=0).max() <= 2

    def test_even_photos_are_0(self) -> None:
        for dtype in (np.float32, np.float64):
            noisy = 46.2 + 1e-5 * np.random.default_rng(0).normal(size=(9, 9))
            assert np.abs(standardized(noisy.astype(dtype))).max() == 0

    @settings(max_examples=5)
    @given(st.integers(0, 99), st.sampled_from([1, 2]))
    def test_surf_is_that_of_a_direct_loop(self, seed: int, scale: int) -> None:
        gray = torch.rand(90, 90, generator=torch.Generator().manual_seed(seed)).double()
        row, column = 44, 47
        cells = torch.zeros(4, 4, 4, dtype=torch.double)
        for i in range(20):
            for j in range(20):
                y, x = row + (i - 10) * scale, column + (j - 10) * scale
                area = gray[y - scale : y + scale, x - scale : x + scale]
                right = (area[:, scale:].sum() - area[:, :scale].sum()) / (4 * scale**2)
                down = (area[scale:].sum() - area[:scale].sum()) / (4 * scale**2)
                weight = np.exp(-0.5 * (((i - 9.5) / 3.3) ** 2 + ((j - 9.5) / 3.3) ** 2))
                cells[:, i // 5, j // 5] += weight * torch.stack([right, right.abs(), down, down.abs()])
        found = dense_surf(gray, scale)[:, row, column]
        expected = cells.mT.flatten() / cells.norm()
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)

"""Colours as the solution of a linear system."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, optimize
from skimage import color, data
from sklearn.ensemble import ExtraTreesRegressor
from typer.testing import CliRunner

import colorfuse as cf
from colorfuse.cli.main import app
from colorfuse.colorizers import Deshpande2015, LearntColorizer
from colorfuse.colorizers.deshpande.drawing import Growing
from colorfuse.colorizers.deshpande.features import linear_features
from colorfuse.colorizers.deshpande.filters import color_filters, filtered, leung_malik, transposed
from colorfuse.colorizers.deshpande.forest import Forest
from colorfuse.colorizers.deshpande.histogram import Mixture, corrected, distance, mixture, modes
from colorfuse.colorizers.deshpande.regression import Regression, Rows
from colorfuse.colorizers.deshpande.system import answers, objective, solve

PHOTOS = [
    np.asarray(Image.fromarray(each).resize((64, 64))) for each in (data.astronaut(), data.coffee(), data.chelsea())
]
PHOTOS += [each[::-1].copy() for each in PHOTOS] + [each[:, ::-1].copy() for each in PHOTOS]
GRAY = np.asarray(Image.fromarray(data.coffee()).resize((90, 60)).convert("L"))


@pytest.fixture(scope="module")
def system() -> Deshpande2015:
    small: dict[str, Any] = {"pretrained": False, "matches": 2, "trees": 4, "least": 10, "render_size": 48}
    return Deshpande2015(**small).fit(PHOTOS)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class TestFilters:
    @settings(max_examples=20)
    @given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 11]), st.integers(0, 99))
    def test_filters_are_correlated_as_by_scipy(self, height: int, width: int, side: int, seed: int) -> None:
        planes, bank = random(2, height, width, seed=seed), random(3, side, side, seed=seed + 1)
        found = filtered(planes, bank)
        for plane, its in zip(planes, found, strict=True):
            for one, answer in zip(bank, its, strict=True):
                expected = ndimage.correlate(plane.double().numpy(), one.double().numpy(), mode="reflect")
                np.testing.assert_allclose(answer, expected, atol=1e-4)

    @given(st.integers(2, 20), st.integers(2, 20), st.integers(0, 99))
    def test_the_transpose_is_one(self, height: int, width: int, seed: int) -> None:
        ab, other = random(2, height, width, seed=seed), random(2, 6, height, width, seed=seed + 1)
        torch.testing.assert_close(
            (answers(ab) * other).sum(), (ab * transposed(answers, ab)(other)).sum(), rtol=1e-3, atol=1e-3
        )

    def test_texture_filters_see_their_own_kind(self) -> None:
        bank = leung_malik()
        assert bank.shape == (48, 49, 49)
        torch.testing.assert_close(bank.abs().sum(dim=(1, 2)), torch.ones(48))
        assert bank[:44].mean(dim=(1, 2)).abs().max() < 1e-6
        assert (bank[44:] >= 0).all()
        edges, bars = bank[:18], bank[18:36]
        torch.testing.assert_close(edges.flip(1, 2), -edges)
        torch.testing.assert_close(bars.flip(1, 2), bars)
        for one in range(0, 18, 6):  # the fourth of six orientations is the first one, turned by 90 degrees
            torch.testing.assert_close(edges[one + 3].abs(), edges[one].rot90().abs(), atol=1e-6, rtol=1e-4)
        assert color_filters()[0, 5, 5] == 1

    def test_features_are_within_their_bounds_for_any_photo(self) -> None:
        for lightness in (torch.full((1, 9, 5), 40.0), 100 * torch.rand(1, 70, 33)):
            found = linear_features(lightness)
            assert found.shape == (192, *lightness.shape[1:])
            assert 0 <= found[:48].min() <= found[:48].max() <= 1
            assert found.isfinite().all()


class TestSystem:
    def test_solutions_are_those_of_a_dense_solver(self) -> None:
        predicted = random(2, 6, 12, 12)
        weights = torch.rand(2, 6, 12, 12, generator=torch.Generator().manual_seed(0)) + 0.5
        matrix = torch.stack([answers(one.view(2, 12, 12)).flatten() for one in torch.eye(288)], dim=1).double()
        scales = weights.flatten().double()
        normal = matrix.T @ (scales[:, None] * matrix) + 1e-5 * torch.eye(288, dtype=torch.double)
        exact = torch.linalg.solve(normal, matrix.T @ (scales * predicted.flatten().double()))
        found = solve(predicted, weights)
        torch.testing.assert_close(found.flatten().double(), exact, atol=1e-3, rtol=1e-3)
        best = objective(found, predicted, weights)
        assert best <= objective(found + 0.01 * random(2, 12, 12, seed=1), predicted, weights)

    def test_a_colour_image_is_recovered_from_its_own_answers(self) -> None:
        lab = cf.rgb_to_lab(torch.from_numpy(PHOTOS[1].copy()).movedim(-1, 0))
        ab = lab[1:] / 100
        weights = torch.tensor([1.0, 1, 50, 50, 50, 50])[:, None, None].expand(2, 6, 64, 64)
        torch.testing.assert_close(solve(answers(ab), weights), ab, atol=2e-3, rtol=0)

    @settings(max_examples=20)
    @given(st.floats(0.01, 0.9), st.integers(0, 999))
    def test_the_margin_loss_is_a_squared_error(self, margin: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        true, predicted = rng.normal(size=12), rng.normal(size=12)

        def energy(values: NDArray[Any]) -> Any:
            return values @ values / 2 - values @ predicted

        def augmented(values: NDArray[Any]) -> Any:
            return energy(values) - margin / 2 * ((values - true) ** 2).sum()

        loss = energy(true) - optimize.minimize(augmented, np.zeros(12), options={"gtol": 1e-8}).fun
        np.testing.assert_allclose(loss, ((true - predicted) ** 2).sum() / (2 * (1 - margin)), rtol=1e-5, atol=1e-6)


class TestForest:
    @settings(max_examples=10, deadline=None)
    @given(st.integers(0, 99), st.integers(1, 4), st.integers(1, 20))
    def test_trees_predict_what_scikit_learn_predicts(self, seed: int, trees: int, least: int) -> None:
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, 9, (200, 5)).astype(np.float32) / 7
        targets = np.stack([rows[:, 0] > 0.5, rows[:, 1] * rows[:, 2], rng.normal(size=200)], axis=1)
        fitted = ExtraTreesRegressor(trees, min_samples_leaf=least, random_state=seed).fit(rows, targets)
        forest = Forest.of_sklearn(fitted.estimators_)
        again = Forest.of_tensors(forest.tensors())
        tried = (rng.integers(0, 9, (300, 5)) / 7).astype(np.float32)
        expected: Any = fitted.predict(tried)
        for each in (forest, again):
            np.testing.assert_allclose(each.predict(tried), expected, atol=1e-5)

    def test_trees_that_lead_nowhere_are_refused(self) -> None:
        rows = np.random.default_rng(0).random((60, 3)).astype(np.float32)
        good = Forest.of_sklearn(ExtraTreesRegressor(2, random_state=0).fit(rows, rows).estimators_).tensors()
        loop = good["children"].clone()
        loop[0] = 0
        for name, wrong in (
            ("children", loop),
            ("children", good["children"] + 999),
            ("children", good["children"][:-1]),
            ("values", good["values"][:3]),
        ):
            with pytest.raises(RuntimeError, match="do not make trees"):
                Forest.of_tensors(good | {name: wrong})

    def test_the_linear_part_learns_what_trees_leave(self) -> None:
        rng = np.random.default_rng(0)
        splits, linear = (rng.random((4000, width)).astype(np.float32) for width in (15, 192))
        answer = np.repeat((splits[:, :1] > 0.5) + 2 * linear[:, :1], 12, axis=1).astype(np.float32)
        rows = Rows(splits, linear, answer, np.arange(4000) // 10)
        regression = Regression.fit(rows, trees=8, least=20, seed=0)
        assert regression.slopes[0, 0] > 0.7
        assert regression.slopes[1:, 0].abs().max() < 0.2
        found = regression.predict(
            torch.from_numpy(splits[:100].T.copy())[..., None], torch.from_numpy(linear[:100].T.copy())[..., None]
        )
        assert found.answers.shape == found.weights.shape == (2, 6, 100, 1)
        assert ((found.answers[0, 0, :, 0].numpy() - answer[:100, 0]) ** 2).mean() < 0.25 * answer.var()

    def test_what_is_known_better_weighs_more(self) -> None:
        rng = np.random.default_rng(0)
        splits, linear = rng.random((4000, 15)).astype(np.float32), np.zeros((4000, 192), np.float32)
        noise = np.where(splits[:, :1] > 0.5, 1.0, 0.1) * rng.normal(size=(4000, 12))
        rows = Rows(splits, linear, noise.astype(np.float32), np.arange(4000) // 10)
        regression = Regression.fit(rows, trees=16, least=20, seed=0)
        weights = regression.predict(torch.from_numpy(splits.T.copy())[..., None], torch.zeros(192, 4000, 1)).weights
        noisy = torch.from_numpy(splits[:, 0] > 0.5)
        assert weights[:, 2:, ~noisy].median() > 3 * weights[:, 2:, noisy].median()
        assert (weights[:, :2] == weights[:, :2, :1, :1]).all()
        torch.testing.assert_close(weights[:, 0].mean(), torch.tensor(1.0))


class TestHistogram:
    def test_modes_are_found_with_their_shares(self) -> None:
        spread = 0.03 * random(4000, 2)
        true = torch.tensor([[0.5, 0.0], [-0.2, 0.4], [0.0, -0.4]])
        which = torch.tensor([0] * 2400 + [1] * 1200 + [2] * 400)
        found = modes(true[which] + spread)
        order = found.shares.argsort(descending=True)
        torch.testing.assert_close(found.means[order], true, atol=0.03, rtol=0)
        torch.testing.assert_close(found.shares[order], torch.tensor([0.6, 0.3, 0.1]), atol=0.02, rtol=0)

    def test_the_distance_of_a_mixture_to_itself_is_the_least(self) -> None:
        colors = torch.cat([0.05 * random(600, 2), 0.05 * random(300, 2, seed=1) + 0.6])
        wanted = modes(colors)

        def off(some: torch.Tensor) -> float:
            return distance(mixture(some, wanted), wanted).item()

        assert abs(off(colors)) < 0.02
        assert off(colors + 0.1) > off(colors) + 0.1
        assert off(colors[:600]) > off(colors) + 0.1
        assert distance(wanted, Mixture(wanted.means, wanted.shares)).item() == pytest.approx(0, abs=1e-6)

    def test_colours_move_towards_the_wanted_ones(self) -> None:
        pale = 0.1 * torch.ones(2, 24, 24)
        wanted = torch.tensor([0.3, 0.2]) + 0.03 * random(500, 2)
        predicted, weights = answers(pale), torch.ones(2, 6, 24, 24)
        moved = corrected(pale, predicted, weights, wanted)
        target = modes(wanted)
        before, after = (distance(mixture(its.flatten(1).T, target), target) for its in (pale, moved))
        assert after < before
        assert (moved.mean(dim=(1, 2)) - wanted.mean(dim=0)).norm() < (
            pale.mean(dim=(1, 2)) - wanted.mean(dim=0)
        ).norm()


def test_learns_colours(system: Deshpande2015) -> None:
    photo = np.asarray(Image.fromarray(data.coffee()).resize((90, 60)))
    colored = system.predict(GRAY)
    assert colored.shape == (60, 90, 3)
    off = [
        np.linalg.norm(color.rgb2lab(its)[..., 1:] - color.rgb2lab(photo)[..., 1:], axis=-1).mean()
        for its in (colored, np.stack([GRAY] * 3, axis=-1))
    ]
    assert off[0] < 0.7 * off[1]


def test_the_seed_decides_all_that_is_drawn(system: Deshpande2015) -> None:
    again = Deshpande2015(**system.get_params()).fit(PHOTOS)
    assert all((each == system.state()[name]).all() for name, each in again.state().items())
    other = Deshpande2015(**system.get_params() | {"seed": 1}).fit(PHOTOS)
    backbone = {name: each for name, each in other.state().items() if name.startswith("backbone.")}
    assert any((each != system.state()[name]).any() for name, each in backbone.items())


def test_saved_and_loaded_it_is_the_same(system: Deshpande2015, tmp_path: Path) -> None:
    system.save(tmp_path / "learnt")
    loaded = Deshpande2015.load(tmp_path / "learnt")
    assert (loaded.predict(GRAY) == system.predict(GRAY)).all()
    assert loaded.get_params() == system.get_params()
    system.save(tmp_path / "half", torch.float16)
    half = Deshpande2015.load(tmp_path / "half").predict(GRAY)
    assert np.abs(half.astype(int) - system.predict(GRAY)).mean() < 3
    with pytest.raises(ValueError, match="of the kind 'deshpande2015', not a FusionColorizer"):
        cf.FusionColorizer.load(tmp_path / "learnt")
    assert isinstance(LearntColorizer.load(tmp_path / "learnt"), Deshpande2015)
    Image.fromarray(GRAY).save(tmp_path / "gray.png")
    command = [
        "colorize",
        str(tmp_path / "gray.png"),
        "-o",
        str(tmp_path / "out.png"),
        "--model",
        str(tmp_path / "learnt"),
    ]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (np.asarray(Image.open(tmp_path / "out.png")) == system.predict(GRAY)).all()
    averaged = CliRunner().invoke(app, [*command, "--model", "mobile"])
    assert "learnt, mobile, one has no network to average" in str(averaged.exception)


def test_what_changed_since_it_learnt_is_not_saved(system: Deshpande2015, tmp_path: Path) -> None:
    changed = copy.copy(system).set_params(matches=1)
    with pytest.raises(ValueError, match="matches changed since it learnt; call fit again"):
        changed.save(tmp_path / "learnt")
    with pytest.raises(cf.NotFittedError):
        Deshpande2015().predict_answers(torch.zeros(1, 32, 32))


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_damaged_files_are_named(system: Deshpande2015, tmp_path: Path, damage: str) -> None:
    system.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    if damage == "cut":
        weights.write_bytes(content[:-100])
    elif damage == "flipped":
        content[-50] ^= 255
        weights.write_bytes(content)
    else:
        weights.unlink()
    with pytest.raises(cf.WeightsError, match="model.safetensors"):
        Deshpande2015.load(tmp_path)


def test_a_histogram_may_be_that_of_the_scene_or_of_a_reference(system: Deshpande2015) -> None:
    plain = system.predict(GRAY)
    of_scene = Deshpande2015(**system.get_params() | {"histogram": "scene"})
    of_scene.load_state(system.state())
    assert (of_scene.predict(GRAY) != plain).any()
    blue = np.random.default_rng(0).integers(0, 60, (40, 40, 3), np.uint8) + np.array([30, 60, 180], np.uint8)
    given = system.predict(GRAY, reference=blue)
    assert color.rgb2lab(given)[..., 2].mean() < color.rgb2lab(plain)[..., 2].mean() - 3
    with pytest.raises(ValueError, match="a copy that has a reference only predicts"):
        system.with_reference(blue).save("nowhere")
    assert (system.predict(GRAY) == plain).all()


@pytest.mark.parametrize("without_gradients", [torch.no_grad, torch.inference_mode])
def test_a_histogram_needs_no_gradients_of_the_user(system: Deshpande2015, without_gradients: Any) -> None:
    expected = system.predict(GRAY, reference=PHOTOS[0])
    with without_gradients():
        assert (system.predict(GRAY, reference=PHOTOS[0]) == expected).all()


def test_what_was_learnt_must_suit_the_settings(system: Deshpande2015) -> None:
    more = Deshpande2015(**system.get_params() | {"matches": 20})
    with pytest.raises(RuntimeError, match="there are descriptions of 9 photos and 9 thumbnails, for matches=20"):
        more.load_state(system.state())


@pytest.mark.parametrize(
    ("setting", "value"),
    [("trees", 0), ("least", 1.5), ("samples", "many"), ("matches", 0), ("histogram", "mine"), ("render_size", 8)],
)
def test_bad_settings_are_named(setting: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{setting} of Deshpande2015"):
        Deshpande2015(**{"pretrained": False, setting: value}).fit(PHOTOS)


def test_too_few_photos_are_too_few(system: Deshpande2015) -> None:
    with pytest.raises(
        cf.DataError, match="matches=9 takes the scene of a photo from so many others, and there are 9"
    ):
        Deshpande2015(pretrained=False, render_size=48).fit(PHOTOS)
    with pytest.raises(cf.NotFittedError):
        Deshpande2015().predict(GRAY)


@given(st.lists(st.integers(0, 70_000), max_size=4))
@settings(max_examples=10, deadline=None)
def test_rows_grow_in_order(counts: list[int]) -> None:
    rows, parts = Growing(), [torch.arange(count * 2).view(-1, 2).float() for count in counts]
    for part in parts:
        rows.append(part)
    if sum(counts):
        assert torch.equal(rows.all(), torch.cat(parts))

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import colorfuse as cf
from colorfuse.color.plane import gamut_bins
from colorfuse.objectives import create_objective, create_terms, objectives
from colorfuse.objectives.bins import grid_bins, soft_encode

REGRESSIONS = ("mse", "l1", "huber")


def test_squared_error_is_in_the_papers_unit() -> None:
    objective = objectives.create("mse")
    ab = torch.empty(2, 2, 4, 4).uniform_(-100, 100)
    expected = ((ab / 127.5) ** 2).mean()
    assert objective(torch.zeros_like(ab), ab).item() == pytest.approx(expected.item())


def test_huber_changes_at_delta_in_cielab_units() -> None:
    objective = objectives.create({"name": "huber", "delta": 2.0})
    for error, expected in ((1.0, 0.5), (2.0, 2.0), (10.0, 2 * 10 - 2)):
        loss = objective(torch.full((1, 2, 1, 1), error / 127.5), torch.zeros(1, 2, 1, 1))
        assert loss.item() * 127.5**2 == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_perfect_planes_read_as_the_truth(name: str) -> None:
    objective = objectives.create(name)
    ab = torch.empty(2, 2, 4, 4).uniform_(-100, 100)
    planes = (ab / 127.5).requires_grad_()
    assert objective(planes, ab).item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(objective.read(planes).detach(), ab)


@pytest.mark.parametrize("name", cf.list_objectives())
@pytest.mark.parametrize("size", [(1, 1), (7, 30), (33, 20)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_any_size_and_precision(name: str, size: tuple[int, int], dtype: torch.dtype) -> None:
    objective = objectives.create(name)
    ab = torch.empty(2, 2, *size).uniform_(-90, 90)
    small = [-(-side // objective.stride) for side in size]
    planes = torch.randn(2, objective.planes, *small).to(dtype).requires_grad_()
    loss = objective(planes, ab)
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    loss.backward()
    assert planes.grad is not None
    assert planes.grad.isfinite().all()
    colors = objective.read(planes)
    assert colors.shape == (2, 2, *small)
    assert colors.isfinite().all()
    assert colors.dtype == torch.float32


@pytest.mark.parametrize("name", cf.list_objectives())
def test_the_loss_leads_to_the_colour_that_is_there(name: str) -> None:
    objective = objectives.create(name)
    ab = torch.tensor([40.0, -30.0]).reshape(1, 2, 1, 1).expand(2, 2, 8, 8)
    planes = torch.zeros(
        2, objective.planes, -(-8 // objective.stride), -(-8 // objective.stride), requires_grad=True
    )
    optimizer = torch.optim.Adam([planes], 0.05)
    for _ in range(300):
        optimizer.zero_grad()
        objective(planes, ab).backward()
        optimizer.step()
    # Bins are 10 apart in classification; of the histograms, one of chroma is 4.2 wide and one of hue 11 degrees.
    tolerance = 1.0 if name in REGRESSIONS else 6.0
    read = objective.read(planes).detach()
    torch.testing.assert_close(read, ab[..., : read.shape[2], : read.shape[3]], atol=tolerance, rtol=0)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="no objective is called 'mes'; .* mse"):
        objectives.create("mes")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"name": "classification", "temperature": 0},
            "temperature of the objective 'classification' .* than 0, not 0",
        ),
        ({"name": "classification", "rebalance": 2}, "rebalance .* less than or equal to 1, not 2"),
        (
            {"name": "classification", "reading": "best"},
            "reading .* 'annealed_mean', 'mean', 'mode' or 'sample', not 'b",
        ),
        ({"name": "histogram", "bins": 1}, "bins of the objective 'histogram' must be greater .* 2, not 1"),
        ({"name": "huber", "delta": -1}, "delta of the objective 'huber' must be greater than 0, not -1"),
    ],
)
def test_options_that_cannot_be(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_objective(spec)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("perceptual", "terms of an objective are a list of names or mappings, not 'perceptual'"),
        ([3], "term must be a name or a mapping"),
        (["perceptal"], "no term is called 'perceptal'; .* perceptual"),
        ([{"name": "adversarial", "weight": 0}], "weight of the term 'adversarial' must be greater than 0"),
    ],
)
def test_terms_that_cannot_be(terms: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        create_terms({"name": "mse", "terms": terms})


class TestBins:
    @pytest.mark.slow
    def test_they_are_the_published_ones(self) -> None:
        levels = torch.arange(256, dtype=torch.uint8)
        green, blue = torch.meshgrid(levels, levels, indexing="ij")
        squares: set[tuple[int, int]] = set()
        for red in levels:
            ab = cf.rgb_to_lab(torch.stack([red.expand_as(green), green, blue]))[1:].flatten(1)
            squares.update((int(a), int(b)) for a, b in torch.floor(ab / 10).unique(dim=1).T)
        corners = {(10 * (a + i), 10 * (b + j)) for a, b in squares for i in (0, 1) for j in (0, 1)}
        assert len(corners) == 309
        beyond = {(40, 90), (100, -90), (100, -10), (100, 0)}
        assert not beyond & corners
        assert {(int(a), int(b)) for a, b in gamut_bins()} == corners | beyond

    def test_there_are_313_of_them_and_529_on_the_grid(self) -> None:
        assert gamut_bins().shape == (313, 2)
        assert grid_bins().shape == (529, 2)

    @given(st.lists(st.tuples(st.floats(-80, 80), st.floats(-80, 80)), min_size=1, max_size=20))
    def test_soft_encoding_is_a_distribution_over_the_nearest(self, colors: list[tuple[float, float]]) -> None:
        ab, bins = torch.tensor(colors), gamut_bins()
        indices, weights = soft_encode(ab, bins)
        distances = np.linalg.norm(ab.numpy()[:, None] - bins.numpy()[None], axis=2)
        nearest = np.sort(distances, axis=1)[:, :5]
        np.testing.assert_allclose(np.take_along_axis(distances, indices.numpy(), 1), nearest, atol=1e-2)
        expected = np.exp(-(nearest**2) / 50)
        np.testing.assert_allclose(weights, expected / expected.sum(axis=1, keepdims=True), atol=2e-3)


class TestClassification:
    def test_the_loss_is_that_of_the_paper(self) -> None:
        objective: Any = create_objective("classification")
        objective.weights = torch.rand(313)
        ab, planes = torch.empty(2, 2, 3, 4).uniform_(-60, 60), torch.randn(2, 313, 3, 4)
        total = 0.0
        logs = planes.log_softmax(dim=1)
        for photo, row, column in np.ndindex(2, 3, 4):
            distances = (ab[photo, :, row, column] - objective.bins).norm(dim=1)
            target = torch.zeros(313)
            nearest = distances.argsort()[:5]
            target[nearest] = torch.exp(-(distances[nearest] ** 2) / 50)
            target /= target.sum()
            total -= (objective.weights[target.argmax()] * (target * logs[photo, :, row, column]).sum()).item()
        assert objective(planes, ab).item() == pytest.approx(total / 24, rel=1e-3)

    def test_rare_colours_count_for_more_and_the_mean_pixel_for_one(self) -> None:
        objective: Any = create_objective("classification")
        ab = torch.zeros(4, 2, 16, 16)
        ab[0, :, :2] = torch.tensor([60.0, 40.0])[:, None, None]
        objective.observe([ab])
        gray = objective.weights[(objective.bins == 0).all(dim=1).nonzero()].item()
        red = objective.weights[(objective.bins == torch.tensor([60.0, 40.0])).all(dim=1).nonzero()].item()
        unseen = objective.weights[(objective.bins == torch.tensor([-60.0, 60.0])).all(dim=1).nonzero()].item()
        assert gray < 1 < red < unseen == objective.weights.max()
        counts = torch.zeros(313)
        counts[(objective.bins == 0).all(dim=1).nonzero()] = 1 - 1 / 32
        counts[(objective.bins == torch.tensor([60.0, 40.0])).all(dim=1).nonzero()] = 1 / 32
        kernel = torch.exp(-(torch.cdist(objective.bins, objective.bins) ** 2) / 50)
        smoothed = counts @ (kernel / kernel.sum(dim=1, keepdim=True))
        assert (smoothed @ objective.weights).item() == pytest.approx(1, rel=1e-4)

    def test_without_rebalancing_all_colours_count_alike(self) -> None:
        objective: Any = create_objective({"name": "classification", "rebalance": 1.0})
        objective.observe([torch.randn(2, 2, 8, 8) * 30])
        torch.testing.assert_close(objective.weights, torch.ones(313))

    def test_readings(self) -> None:
        logits = torch.full((1, 313, 1, 1), -50.0)
        bins = gamut_bins()
        one, other = (
            int((bins == torch.tensor(color)).all(dim=1).nonzero()) for color in ([20.0, 0.0], [-20.0, 0.0])
        )
        logits[0, one], logits[0, other] = np.log(0.7), np.log(0.3)

        def read(**options: Any) -> Tensor:
            return create_objective({"name": "classification", **options}).read(logits.expand(1, 313, 50, 50))

        assert read(reading="mode")[0, :, 0, 0].tolist() == [20, 0]
        assert read(reading="mean")[0, 0].mean().item() == pytest.approx(20 * 0.4, abs=1e-3)
        torch.testing.assert_close(read(reading="mean", saturation=1.5), 1.5 * read(reading="mean"))
        share = 0.7 ** (1 / 0.38) / (0.7 ** (1 / 0.38) + 0.3 ** (1 / 0.38))
        assert read()[0, 0].mean().item() == pytest.approx(20 * (2 * share - 1), abs=1e-3)
        drawn = read(reading="sample")[0, 0]
        assert set(drawn.flatten().tolist()) == {20, -20}
        assert (drawn == 20).float().mean().item() == pytest.approx(0.7, abs=0.04)


class TestHistogram:
    def test_the_loss_is_nothing_for_the_true_histograms(self) -> None:
        objective: Any = create_objective({"name": "histogram", "stride": 1})
        ab = torch.tensor([40.0, -30.0]).reshape(1, 2, 1, 1).expand(1, 2, 9, 9)
        planes = torch.full((1, 64, 9, 9), -100.0)
        hue = int((np.arctan2(-30, 40) / (2 * np.pi) + 0.5) * 32)
        planes[:, hue] = planes[:, 32 + int(50 / 134 * 32)] = 0
        assert objective(planes, ab).item() == pytest.approx(0, abs=1e-4)

    def test_the_loss_is_that_of_the_paper(self) -> None:
        objective: Any = create_objective({"name": "histogram", "bins": 8, "stride": 1})
        ab, planes = torch.empty(1, 2, 9, 9).uniform_(-60, 60), torch.randn(1, 16, 9, 9)
        a, b = ab[0].numpy()
        chroma, hue = np.hypot(a, b), np.arctan2(b, a)
        loss = []
        for row, column in np.ndindex(9, 9):
            window = np.s_[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
            divergences = []
            for values, low, high, logits in (
                (hue, -np.pi, np.pi, planes[0, :8, row, column]),
                (chroma, 0, 134, planes[0, 8:, row, column]),
            ):
                counts, _ = np.histogram(values[window], bins=8, range=(low, high))
                true, predicted = counts / counts.sum(), logits.softmax(dim=0).numpy()
                seen = true > 0
                divergences.append((true[seen] * np.log(true[seen] / predicted[seen])).sum())
            loss.append(divergences[1] + 5 * chroma[row, column] / 134 * divergences[0])
        assert objective(planes, ab).item() == pytest.approx(np.mean(loss), rel=1e-3)

    @pytest.mark.parametrize("reading", ["median", "expectation"])
    def test_readings_of_chroma(self, reading: str) -> None:
        objective: Any = create_objective({"name": "histogram", "bins": 4, "reading": reading})
        planes = torch.full((1, 8, 1, 1), -50.0)
        planes[0, 2] = 0  # hues from 0 to 90 degrees
        shares = torch.tensor([0.1, 0.2, 0.6, 0.1])
        planes[0, 4:, 0, 0] = shares.log()
        width = 134 / 4
        chroma = (
            2 * width + width * (0.5 - 0.3) / 0.6
            if reading == "median"
            else (0.5, 1.5, 2.5, 3.5) @ shares.numpy() * width
        )
        expected = chroma * np.sqrt(0.5)
        np.testing.assert_allclose(objective.read(planes).flatten(), [expected, expected], rtol=1e-3)

    def test_uncertain_hues_fade(self) -> None:
        faded, vivid = (create_objective({"name": "histogram", "fading": fading}) for fading in (True, False))
        planes = torch.zeros(1, 64, 1, 1)
        planes[0, 0] = 0.1
        planes[0, 50] = 9
        assert 0 < faded.read(planes).norm() < 0.5 * vivid.read(planes).norm()

"""Tests of kriging: what is off at hints, spread over a prediction."""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from torch import Tensor

from colorfuse.inference.kriging import _by_gradients, krige


def a_photo(height: int = 64, width: int = 64) -> tuple[Tensor, Tensor]:
    """A prediction at a quarter of the size of its lightness, and the lightness."""
    generator = torch.Generator().manual_seed(5)
    ab = 20 * torch.randn(1, 2, height // 4, width // 4, generator=generator)
    return ab, 100 * torch.rand(1, 1, height, width, generator=generator)


def marks(places: list[tuple[int, int]], colors: Tensor, size: tuple[int, int] = (64, 64)) -> Tensor:
    """Hints of one pixel each."""
    hints = torch.zeros(1, 3, *size)
    for (row, column), color in zip(places, colors, strict=True):
        hints[0, :2, row, column], hints[0, 2, row, column] = color, 1.0
    return hints


def test_without_hints_nothing_changes() -> None:
    ab, lightness = a_photo()
    assert torch.equal(krige(ab, lightness, torch.zeros(1, 3, 64, 64)), ab)


def test_hints_that_are_as_predicted_change_nothing() -> None:
    ab = torch.full((1, 2, 16, 16), 12.0)
    hints = marks([(3, 40), (50, 9)], torch.full((2, 2), 12.0))
    assert torch.allclose(krige(ab, a_photo()[1], hints), ab, atol=1e-4)


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(0, 31)), min_size=1, max_size=20, unique=True))
@example([(row, column) for row in range(32) for column in range(32)])
def test_agrees_with_the_closed_form_of_a_gaussian_process(cells: list[tuple[int, int]]) -> None:
    ab, lightness = torch.zeros(1, 2, 64, 64), a_photo()[1]
    places = [(2 * row, 2 * column) for row, column in cells]  # one hint in each of the 32 x 32 cells
    colors = torch.linspace(-60, 60, 2 * len(cells)).reshape(-1, 2)
    rows, columns = np.indices((64, 64)) / (0.6 * 64)
    all_places = np.stack([rows, columns, lightness[0, 0].numpy() / 30], axis=-1).reshape(-1, 3)
    found = all_places[[64 * row + column for row, column in places]]
    weights = np.linalg.solve(np.exp(-cdist(found, found)) + 0.1 * np.eye(len(found)), colors.numpy())
    expected = (np.exp(-cdist(all_places, found)) @ weights).T.reshape(2, 64, 64)
    result = krige(ab, lightness, marks(places, colors))
    np.testing.assert_allclose(result[0].numpy(), expected, atol=0.01)


@given(st.integers(1, 1024), st.integers(0, 9))
def test_exported_programs_solve_as_well(cells: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    places, off = torch.rand(1, cells, 5, generator=generator), 60 * torch.randn(1, cells, 2, generator=generator)
    covariances = torch.exp(-torch.cdist(places, places)) + 0.1 * torch.eye(cells)
    left = covariances @ _by_gradients(covariances, off) - off
    assert left.abs().max() < 0.01


def test_one_error_everywhere_is_corrected_everywhere() -> None:
    ab, lightness = torch.full((1, 2, 16, 16), 5.0), a_photo()[1]
    places = [(row, column) for row in range(4, 64, 8) for column in range(4, 64, 8)]
    true = torch.tensor([20.0, -20.0])
    left = krige(ab, lightness, marks(places, true.expand(len(places), 2))) - true[:, None, None]
    assert left.abs().max() < 0.25 * 25
    assert left.abs().mean() < 0.1 * 25


def test_what_looks_like_the_hint_changes_most() -> None:
    lightness, ab = torch.full((1, 1, 64, 64), 50.0), torch.zeros(1, 2, 16, 16)
    lightness[..., 32:] = 90.0
    ab[..., :8, :] = 40.0
    change = (krige(ab, lightness, marks([(60, 2)], torch.tensor([[30.0, 30.0]]))) - ab)[0, 0]
    assert change[15, 0] > change[15, 7] > change[15, 15] > 0  # nearer; as dark
    assert change[8, 0] > 2 * change[7, 0]  # of the predicted colour


def test_photos_of_a_batch_do_not_change_each_other() -> None:
    ab, lightness = a_photo(48, 80)
    hints = marks([(5, 70), (40, 3)], torch.tensor([[50.0, 0.0], [-20.0, 30.0]]), (48, 80))
    other = marks([(9, 9)], torch.tensor([[-90.0, 90.0]]), (48, 80))
    none = torch.zeros_like(hints)
    together = krige(ab.repeat(3, 1, 1, 1), lightness.repeat(3, 1, 1, 1), torch.cat([hints, other, none]))
    alone = torch.cat([krige(ab, lightness, each) for each in (hints, other, none)])
    assert torch.allclose(together, alone, atol=1e-3)

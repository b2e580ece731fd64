"""Expansion moves."""

import importlib.util
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorfuse.colorizers.charpiat import _neighbors
from colorfuse.colorizers.expansion import Energy, _moved, expand

SOLVERS = ["ortools", "scipy"] if importlib.util.find_spec("ortools") else ["scipy"]


def drawn_energy(seed: int, side: int = 4) -> Energy:
    rng = np.random.default_rng(seed)
    pairs, lengths = _neighbors(side, side)
    points = rng.normal(size=(3, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    return Energy(rng.random((side**2, 3)) * 4, pairs, rng.random(len(pairs)) / lengths, distances)


def least(energy: Energy, side: int = 4) -> float:
    """The least energy of all labellings, row by row."""
    rows = np.array(list(itertools.product(range(3), repeat=side)))
    numbers = np.arange(side**2).reshape(side, side)
    best = np.zeros(1)
    previous = np.zeros((1, 0), int)
    for row in range(side):
        its = energy.costs[numbers[row], rows].sum(axis=1)
        between = np.zeros((len(previous), len(rows)))
        for (first, second), weight in zip(energy.pairs, energy.weights, strict=True):
            if first // side == second // side == row:
                its = its + weight * energy.distances[rows[:, first % side], rows[:, second % side]]
            elif row and {first // side, second // side} == {row - 1, row}:
                above, below = sorted((first, second))
                between += weight * energy.distances[previous[:, above % side][:, None], rows[:, below % side][None]]
        best = (best[:, None] + between).min(axis=0) + its
        previous = rows
    return float(best.min())


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=15)
@given(st.integers(0, 9999))
def test_each_move_is_the_best_of_its_kind(solver: str, seed: int) -> None:
    energy = drawn_energy(seed, 3)
    labels = np.random.default_rng(seed).integers(0, 3, 9)
    for label in range(3):
        best = min(
            energy.of(np.where(np.array(takes), label, labels))
            for takes in itertools.product([False, True], repeat=9)
        )
        assert energy.of(_moved(energy, labels, label, solver)) == pytest.approx(best, abs=0.05)


@settings(max_examples=20)
@given(st.integers(0, 9999))
def test_the_energy_of_three_labels_is_within_the_bound_of_the_least(seed: int) -> None:
    energy = drawn_energy(seed)
    start = energy.costs.argmin(axis=1)
    found = energy.of(expand(energy, start, 5))
    optimum = least(energy)
    apart = energy.distances[energy.distances > 0]
    assert optimum - 1e-9 <= found <= energy.of(start) + 1e-9
    assert found <= 2 * apart.max() / apart.min() * optimum


def test_the_energy_of_three_labels_is_nearly_always_the_least() -> None:
    energies = [drawn_energy(seed) for seed in range(30)]
    ratios = [energy.of(expand(energy, energy.costs.argmin(axis=1), 5)) / least(energy) for energy in energies]
    assert np.median(ratios) < 1 + 1e-6
    assert np.mean(ratios) < 1.02


def test_without_coherence_each_node_has_its_likest_label() -> None:
    energy = drawn_energy(0)._replace(weights=np.zeros(len(drawn_energy(0).weights)))
    assert (expand(energy, np.zeros(16, int), 2) == energy.costs.argmin(axis=1)).all()

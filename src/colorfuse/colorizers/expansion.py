"""Labellings of little energy, by expansion moves."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from colorfuse.colorizers.cuts import minimum_cut

_UNITS = 1000
"""Energies are rounded to one part in so many."""


class Energy(NamedTuple):
    """The energy of a labelling: a cost for each node's label, and for each pair of neighbours one for theirs.

    Attributes:
        costs: `(nodes, labels)`.
        pairs: Neighbours `(E, 2)`.
        weights: A factor for each pair `(E,)`, at least 0.
        distances: Between labels `(labels, labels)`: a metric.
    """

    costs: NDArray[np.float64]
    pairs: NDArray[np.intp]
    weights: NDArray[np.float64]
    distances: NDArray[np.float64]

    def of(self, labels: NDArray[np.intp]) -> float:
        """The energy of a labelling `(nodes,)`."""
        first, second = labels[self.pairs].T
        its = self.costs[np.arange(len(labels)), labels].sum()
        return float(its + (self.weights * self.distances[first, second]).sum())


def expand(energy: Energy, labels: NDArray[np.intp], sweeps: int, solver: str = "auto") -> NDArray[np.intp]:
    """Lower the energy of a labelling by moves that each give any nodes one label, the best of their kind.

    Boykov, Veksler and Zabih 2001, *Fast approximate energy minimization via graph cuts*; the graph of a move is that
    of Kolmogorov and Zabih 2004. It ends when no move lowers the energy, which is then at most twice the least one
    times the greatest ratio between two distances of labels.

    Args:
        energy: The energy.
        labels: The labelling to start from `(nodes,)`.
        sweeps: The most times that all labels are tried.
        solver: As in `minimum_cut`.

    Returns:
        Labels `(nodes,)`.

    Example:
        >>> costs, pairs = np.array([[0, 9.0], [4, 5], [9, 0]]), np.array([[0, 1], [1, 2]])
        >>> expand(Energy(costs, pairs, np.ones(2), 1.0 - np.eye(2)), np.array([0, 1, 1]), 2).tolist()
        [0, 0, 1]
    """
    best = energy.of(labels)
    for _ in range(sweeps):
        before = best
        for label in range(energy.costs.shape[1]):
            moved = _moved(energy, labels, label, solver)
            after = energy.of(moved)
            if after < best:
                labels, best = moved, after
        if best == before:
            break
    return labels


def _moved(energy: Energy, labels: NDArray[np.intp], label: int, solver: str) -> NDArray[np.intp]:
    """The best labelling in which some nodes have `label`, and the others what they have in `labels`."""
    costs, pairs, weights, distances = energy
    first, second = labels[pairs].T
    stay, one, other = (
        weights * its for its in (distances[first, second], distances[first, label], distances[label, second])
    )
    # With x = 1 for a node that takes the label, a pair costs
    # stay + (other - stay) x_first - other x_second + (one + other - stay) (1 - x_first) x_second.
    gain = costs[:, label] - costs[np.arange(len(labels)), labels]
    gain += np.bincount(pairs[:, 0], other - stay, len(labels)) - np.bincount(pairs[:, 1], other, len(labels))
    one_way = np.rint(_UNITS * (one + other - stay)).astype(np.int64).clip(min=0)
    gains = np.rint(_UNITS * gain).astype(np.int64)
    stays = minimum_cut(
        pairs, np.stack([one_way, np.zeros_like(one_way)], axis=1), gains.clip(min=0), (-gains).clip(min=0), solver
    )
    return np.where(stays, labels, label)

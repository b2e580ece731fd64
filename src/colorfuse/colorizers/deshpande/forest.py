"""A forest of regression trees as arrays, which are saved without pickle."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ROWS_AT_ONCE = 1 << 15


class Forest:
    """Regression trees that predict several values at once, by the mean of their leaves.

    Args:
        features: The feature that each node splits by; -1 for leaves.
        thresholds: Of the splits: values up to it go left.
        children: The left and right child of each node `(nodes, 2)`, counted from the first node of all trees.
        values: What each node predicts `(nodes, outputs)`.
        roots: The first node of each tree.
    """

    def __init__(
        self,
        features: NDArray[np.int16],
        thresholds: NDArray[np.float32],
        children: NDArray[np.int32],
        values: NDArray[np.float32],
        roots: NDArray[np.int32],
    ) -> None:
        self.features, self.thresholds, self.children = features, thresholds, children
        self.values, self.roots = values, roots

    @classmethod
    def of_sklearn(cls, trees: Sequence[Any]) -> Self:
        """Take the trees of fitted ensembles of scikit-learn."""
        parts = [tree.tree_ for tree in trees]
        roots = np.cumsum([0, *(part.node_count for part in parts)], dtype=np.int32)[:-1]
        children = [
            np.stack([part.children_left, part.children_right], axis=1) + root
            for part, root in zip(parts, roots, strict=True)
        ]
        thresholds = np.concatenate([part.threshold for part in parts])
        rounded = thresholds.astype(np.float32)
        # Rounded down, a threshold parts float32 values as it does in double precision.
        rounded = np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
        return cls(
            np.concatenate([np.where(part.children_left < 0, -1, part.feature) for part in parts]).astype(np.int16),
            rounded,
            np.concatenate(children).astype(np.int32),
            np.concatenate([part.value[:, :, 0] for part in parts]).astype(np.float32),
            roots,
        )

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predict the values `(n, outputs)` of rows of features `(n, features)`."""
        parts = [self._predict(rows[first : first + _ROWS_AT_ONCE]) for first in range(0, len(rows), _ROWS_AT_ONCE)]
        return np.concatenate(parts)

    def _predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.zeros((len(rows), self.values.shape[1]), np.float32)
        for root in self.roots:
            nodes = np.full(len(rows), root)
            going = np.arange(len(rows))
            while len(going):
                feature = self.features[nodes[going]]
                going, feature = going[feature >= 0], feature[feature >= 0]
                here = nodes[going]
                right = rows[going, feature] > self.thresholds[here]
                nodes[going] = self.children[here, right.astype(np.intp)]
            total += self.values[nodes]
        return total / np.float32(len(self.roots))

    def tensors(self) -> dict[str, Tensor]:
        """The arrays by name, for `of_tensors`."""
        return {name: torch.from_numpy(array) for name, array in vars(self).items()}

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """Make a forest of what `tensors` returned.

        Raises:
            KeyError: An array is missing.
            RuntimeError: The arrays do not make trees.
        """
        names = ("features", "thresholds", "children", "values", "roots")
        kinds = (np.int16, np.float32, np.int32, np.float32, np.int32)
        arrays = [tensors[name].numpy().astype(kind) for name, kind in zip(names, kinds, strict=True)]
        features, thresholds, children, values, roots = arrays
        nodes = len(features)
        are_pairs = children.shape == (nodes, 2)
        inner = children[features >= 0] if are_pairs else children
        if not (
            are_pairs
            and len(thresholds) == len(values) == nodes
            and len(roots)
            and 0 <= roots.min() <= roots.max() < nodes
            and (inner > np.flatnonzero(features >= 0)[:, None]).all()
            and (inner < nodes).all()
        ):
            raise RuntimeError("its arrays do not make trees")
        return cls(features, thresholds, children, values, roots)

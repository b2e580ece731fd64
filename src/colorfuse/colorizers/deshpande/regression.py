"""The prediction of answers and of how precise these are, from features."""

from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.deshpande.filters import LEVELS
from colorfuse.colorizers.deshpande.forest import Forest

_LEAST_VARIANCE = 1e-9
_PENALTY = 0.03
"""Of the squared slopes of the linear part, a row."""
_OF_SLOPES = 0.1
"""What an answer to a filter of mean 0 weighs, of its precision: neighbours are wrong alike, which adds up."""
_SHARE = 0.3
"""Of the features that each split chooses from."""


class Rows(NamedTuple):
    """Pixels to learn from.

    Attributes:
        splits: What trees split by `(n, 15)`.
        linear: What answers depend on linearly `(n, 192)`.
        answers: Those of the true colours `(n, 12)`.
        photos: The number of each pixel's photo `(n)`.
    """

    splits: NDArray[np.float32]
    linear: NDArray[np.float32]
    answers: NDArray[np.float32]
    photos: NDArray[np.intp]


class Predicted(NamedTuple):
    """What is predicted for each pixel of a photo, for the filters of a and of b.

    Attributes:
        answers: `(2, 6, h, w)` in hundredths of CIELAB units; the first of the six is the colour itself.
        weights: `(2, 6, h, w)`, of which that of the first is 1 on average: their precision; a tenth of it for the
            filters with a mean of 0, for which it differs from pixel to pixel.
    """

    answers: Tensor
    weights: Tensor


class Regression:
    """Predicts answers by trees and a linear map of what these leave, and the squared errors of both by other trees.

    Args:
        forest: Predicts answers.
        slopes: Of the linear map `(192, 12)`.
        offset: Of the linear map `(12)`.
        errors: Predicts the squared errors of answers for photos not learnt from, over `error`.
        error: The mean squared error of each answer `(12)`.
    """

    def __init__(self, forest: Forest, slopes: Tensor, offset: Tensor, errors: Forest, error: Tensor) -> None:
        self.forest, self.slopes, self.offset, self.errors, self.error = forest, slopes, offset, errors, error

    @classmethod
    def fit(cls, rows: Rows, trees: int, least: int, seed: int) -> Self:
        """Fit each half of the trees to half of the photos, and the linear part to what they leave of the others.

        Args:
            rows: Pixels of at least two photos.
            trees: The number of trees.
            least: The least number of pixels in a leaf.
            seed: Decides the splits.

        Raises:
            ImportError: scikit-learn is not installed.
        """
        half = -(-trees // 2)
        grown: list[Any] = []
        left = np.empty_like(rows.answers)
        for part in range(2):
            its, others = rows.photos % 2 == part, rows.photos % 2 != part
            ensemble = _grow(rows.splits[its], rows.answers[its], half, least, seed + part)
            left[others] = rows.answers[others] - ensemble.predict(rows.splits[others])
            grown += ensemble.estimators_
        slopes, offset = _ridge(rows.linear, left)
        left -= rows.linear @ slopes + offset
        squared = np.square(left)
        error = squared.mean(axis=0, dtype=np.float64).clip(min=_LEAST_VARIANCE).astype(np.float32)
        errors = _grow(rows.splits, squared / error, half, 2 * least, seed + 2)
        return cls(
            Forest.of_sklearn(grown[:trees]),
            torch.from_numpy(slopes),
            torch.from_numpy(offset),
            Forest.of_sklearn(errors.estimators_),
            torch.from_numpy(error),
        )

    def predict(self, splits: Tensor, linear: Tensor) -> Predicted:
        """Predict the answers of a photo.

        Args:
            splits: What trees split by `(15, h, w)`.
            linear: What answers depend on linearly `(192, h, w)`.
        """
        rows = np.ascontiguousarray(splits.flatten(1).T.numpy())
        by_line = self.slopes.T @ linear.flatten(1) + self.offset[:, None]
        answers = torch.from_numpy(self.forest.predict(rows).T) + by_line
        shape = 2, -1, *splits.shape[-2:]
        variance = torch.from_numpy(self.errors.predict(rows).T).view(shape)
        # Where colours themselves are precise they are pale. If these weighed more, they would bleed into vivid ones.
        variance[:, :LEVELS] = 1
        weights = 1 / (variance * self.error.view(2, -1, 1, 1)).clamp(min=_LEAST_VARIANCE)
        weights[:, LEVELS:] *= _OF_SLOPES
        return Predicted(answers.view(shape), weights / weights[:, 0].mean())

    def tensors(self) -> dict[str, Tensor]:
        """The arrays by name, for `of_tensors`."""
        linear = {"slopes": self.slopes, "offset": self.offset, "error": self.error}
        forests = {"forest": self.forest, "errors": self.errors}
        trees = {f"{which}.{name}": its for which, one in forests.items() for name, its in one.tensors().items()}
        return linear | trees

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """Make a regression of what `tensors` returned.

        Raises:
            KeyError: An array is missing.
            RuntimeError: The arrays do not fit each other.
        """
        forest, errors = (Forest.of_tensors(under(f"{which}.", tensors)) for which in ("forest", "errors"))
        slopes, offset, error = (tensors[name].float() for name in ("slopes", "offset", "error"))
        counts = {slopes.shape[-1], len(offset), len(error), forest.values.shape[-1], errors.values.shape[-1]}
        if len(counts) > 1:
            raise RuntimeError("its trees and its linear part predict different answers")
        return cls(forest, slopes, offset, errors, error)


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that."""
    return {name.removeprefix(prefix): its for name, its in tensors.items() if name.startswith(prefix)}


def _grow(rows: NDArray[np.float32], targets: NDArray[np.float32], trees: int, least: int, seed: int) -> Any:
    """Fit an ensemble of trees.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import ExtraTreesRegressor
    except ImportError as error:
        raise ImportError("deshpande2015 learns with scikit-learn: pip install 'colorfuse[trees]'") from error
    return ExtraTreesRegressor(trees, min_samples_leaf=least, max_features=_SHARE, random_state=seed, n_jobs=-1).fit(
        rows, targets
    )


def _ridge(
    features: NDArray[np.float32], targets: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The slopes and the offset of a linear map, by least squares with a penalty."""
    mean, middle = features.mean(axis=0, dtype=np.float64), targets.mean(axis=0, dtype=np.float64)
    products, moments = np.zeros((len(mean), len(mean))), np.zeros((len(mean), len(middle)))
    for first in range(0, len(features), 1 << 16):
        some = features[first : first + (1 << 16)] - mean
        products += some.T @ some
        moments += some.T @ (targets[first : first + (1 << 16)] - middle)
    slopes = np.linalg.solve(products + _PENALTY * len(features) * np.eye(len(mean)), moments)
    return slopes.astype(np.float32), (middle - mean @ slopes).astype(np.float32)

"""The linear system: colours whose answers to filters are those that are predicted."""

from torch import Tensor

from colorfuse.colorizers.deshpande.filters import color_filters, filtered, transposed

_RIDGE = 1e-5
_ITERATIONS = 30
_TOLERANCE = 1e-5


def answers(ab: Tensor) -> Tensor:
    """The answers `(2, 6, h, w)` of ab `(2, h, w)` to the filters of colour."""
    return filtered(ab, color_filters())


def objective(ab: Tensor, predicted: Tensor, weights: Tensor) -> Tensor:
    """How far the answers of ab `(2, h, w)` are from those predicted, by weights, both `(2, 6, h, w)`."""
    off = (answers(ab) - predicted).square() * weights
    return off.sum() + _RIDGE * ab.square().sum()


def solve(predicted: Tensor, weights: Tensor) -> Tensor:
    """Find the colours that minimise `objective`, by conjugate gradients.

    Deshpande et al. 2015, section 3: at most 30 iterations, until the residual is 1e-5 of the right-hand side.

    Args:
        predicted: Answers `(2, 6, h, w)`.
        weights: Of the answers, above 0, in the same shape.

    Returns:
        ab `(2, h, w)`.
    """
    back = transposed(answers, predicted[:, 0])
    right = back(weights * predicted)
    found, residual = right.new_zeros(right.shape), right
    direction, size = residual, residual.square().sum()
    for _ in range(_ITERATIONS):
        if size <= _TOLERANCE**2 * right.square().sum():
            break
        applied = back(weights * answers(direction)) + _RIDGE * direction
        step = size / (direction * applied).sum()
        found = found + step * direction
        residual = residual - step * applied
        former, size = size, residual.square().sum()
        direction = residual + size / former * direction
    return found

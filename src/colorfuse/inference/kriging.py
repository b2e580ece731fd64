"""Kriging: what a prediction is off by at hints tells what it is off by elsewhere.

Rasmussen and Williams 2006, *Gaussian processes for machine learning*, equation 2.25: the differences between hints
and prediction are samples of a random function, whose covariance falls exponentially with the distance in the photo,
in lightness and in predicted colour. Its expected value is added to the prediction.
"""

from functools import reduce

import torch
from torch import Tensor

from colorfuse.backbones.maps import resize

_RANGE = 0.6
"""Distance by which the covariance falls to 1 / e, as a share of the photo's side."""
_RANGE_LIGHTNESS = 30.0
_RANGE_COLOR = 30.0
_NOISE = 0.1
"""Variance of what concerns a single hint alone, as a share of the other variance."""
_CELLS = 32
"""Hints are pooled in a grid of so many rows and columns."""
_STEPS = 100
"""Conjugate gradients within these are as good as a direct solution, for as many hints as there are cells."""
_LEAST = 1e-12
_AT_ONCE = 4096
"""Pixels whose covariances with the hints are in memory at once."""


def krige(ab: Tensor, lightness: Tensor, hints: Tensor) -> Tensor:
    """Add to predicted colours what they are expected to be off by, given hints.

    Args:
        ab: Predicted colours `(N, 2, h, w)` in CIELAB units.
        lightness: L `(N, 1, H, W)` in 0 to 100.
        hints: `(N, 3, H, W)`: ab in CIELAB units, and a mask that is 1 where there is a hint and 0 elsewhere.

    Returns:
        ab `(N, 2, h, w)`; that of photos without hints is as it was.
    """
    colors, mask = hints.split((2, 1), dim=1)
    predicted = resize(ab, lightness.shape[-2:])
    places = torch.cat([_axes(lightness), lightness / _RANGE_LIGHTNESS, predicted / _RANGE_COLOR], dim=1)
    off, found, marked = _pooled(torch.cat([colors - predicted, places], dim=1), mask)
    covariances = marked * _covariances(found, found) * marked.mT
    noisy = covariances + _NOISE * torch.eye(covariances.shape[-1], device=ab.device).to(ab)
    solved = _by_gradients if torch.compiler.is_exporting() else torch.linalg.solve
    weights = solved(noisy, marked * off)
    everywhere = resize(places, ab.shape[-2:]).flatten(2).mT
    parts = [everywhere] if torch.compiler.is_exporting() else everywhere.split(_AT_ONCE, dim=1)
    change = torch.cat([_covariances(part, found) @ weights for part in parts], dim=1)
    return ab + change.mT.reshape(ab.shape)


def _axes(lightness: Tensor) -> Tensor:
    """Row and column of each pixel `(N, 2, H, W)`, in ranges of the covariance."""
    height, width = lightness.shape[-2:]
    unit = _RANGE * (height * width) ** 0.5
    rows, columns = (torch.arange(side, device=lightness.device).to(lightness) / unit for side in (height, width))
    axes = torch.stack([rows[:, None].expand(height, width), columns.expand(height, width)])
    return axes.expand(lightness.shape[0], -1, -1, -1)  # len() would fix it in an exported program


def _pooled(maps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Average maps `(N, 7, H, W)` under marks, in the cells of a grid.

    Returns:
        What is off `(N, cells, 2)`, places `(N, cells, 5)`, and 1 for cells that have marks `(N, cells, 1)`.
    """
    down, across = (_cells_of(side).to(maps) for side in maps.shape[-2:])
    total = (down @ torch.cat([mask * maps, mask], dim=1) @ across.mT).flatten(2).mT
    if not torch.compiler.is_exporting():  # a program cannot depend on how many cells have marks
        total = total[:, (total[..., -1] > 0).any(dim=0)]
    means, count = total.split((maps.shape[1], 1), dim=-1)
    off, places = (means / count.clamp(min=_LEAST)).split((2, maps.shape[1] - 2), dim=-1)
    return off, places, (count > 0).to(maps)


def _cells_of(side: int) -> Tensor:
    """Which pixels of a side belong to which of the grid's lines, as 0 and 1 `(lines, side)`."""
    return (torch.arange(side, device="cpu") * _CELLS // side == torch.arange(_CELLS, device="cpu")[:, None]).float()


def _covariances(places: Tensor, others: Tensor) -> Tensor:
    """Covariances `(N, p, q)` of what is off at places `(N, p, 5)` and at others `(N, q, 5)`."""
    # Not by torch.cdist, whose distances are off where they are small.
    axes = zip(places.unbind(dim=-1), others.unbind(dim=-1), strict=True)
    squared = reduce(torch.add, ((axis[:, :, None] - other[:, None]).square() for axis, other in axes))
    return torch.exp(-squared.sqrt())


def _by_gradients(covariances: Tensor, off: Tensor) -> Tensor:
    """Solve `covariances weights = off` `(N, cells, 2)` by conjugate gradients, which can be exported."""
    weights, residual = torch.zeros_like(off), off
    direction, norm = residual, residual.square().sum(dim=1, keepdim=True)
    for _ in range(_STEPS):
        product = covariances @ direction
        step = norm / (direction * product).sum(dim=1, keepdim=True).clamp(min=_LEAST)
        weights, residual = weights + step * direction, residual - step * product
        before, norm = norm, residual.square().sum(dim=1, keepdim=True)
        direction = residual + norm / before.clamp(min=_LEAST) * direction
    return weights

"""The correction of colours towards a histogram."""

from typing import NamedTuple

import torch
from torch import Tensor

from colorfuse.colorizers.deshpande.system import objective

_BANDWIDTH = 0.15
"""Of the modes of a histogram, in hundredths of CIELAB units."""
_DEVIATION = _BANDWIDTH / 2
_BIN = 0.05
_LEAST = 0.015
"""The least share of a mode that counts."""
_SHIFTS = 50
_EXPECTATIONS = 10
_STEPS = 9
_LONGEST = 0.1
_ENOUGH = 1e-5
_FAITHFUL = 5.0
"""The weight of the objective of the linear system."""


@torch.inference_mode(False)
@torch.enable_grad()
def corrected(ab: Tensor, predicted: Tensor, weights: Tensor, wanted: Tensor) -> Tensor:
    """Move colours so that their distribution is more like the one that is wanted.

    Deshpande et al. 2015, section 4: the modes of the wanted colours are found by mean shift; each is matched with a
    Gaussian of the photo's colours; then steps along the gradient reduce the distance of these and the objective of
    the linear system. The distance is Bhattacharyya's between the mixtures, where the paper adds those of the
    components. Bandwidths and weights are the paper's for its chroma, transferred to CIELAB.

    Args:
        ab: The solution of the system `(2, h, w)`, in hundredths of CIELAB units, as all colours here.
        predicted: The answers that it solves for `(2, 6, h, w)`.
        weights: Of the answers, in the same shape.
        wanted: Colours `(n, 2)` of the wanted distribution.
    """
    from scipy.optimize import minimize_scalar  # takes long to import

    ab, predicted, weights = (tensor.detach().clone() for tensor in (ab, predicted, weights))  # usable for gradients
    target = modes(wanted)
    for _ in range(_STEPS):
        start = mixture(ab.flatten(1).T, target)

        def energy(colors: Tensor, start: Mixture = start) -> Tensor:
            apart = distance(maximized(colors.flatten(1).T, start), target)
            return apart + _FAITHFUL * objective(colors, predicted, weights) / colors[0].numel()

        moving = ab.clone().requires_grad_()
        before = energy(moving)
        (slope,) = torch.autograd.grad(before, moving)
        direction = -slope / slope.abs().max().clamp(min=1e-12)

        def along(step: float, way: Tensor = direction, base: Tensor = ab) -> float:
            return energy(base + step * way).item()

        with torch.no_grad():
            best = minimize_scalar(along, bounds=(0, _LONGEST), method="bounded", options={"maxiter": 12})
        if best.fun > before.item() - _ENOUGH:
            break
        ab = ab + float(best.x) * direction
    return ab


class Mixture(NamedTuple):
    """Gaussians of one standard deviation: their means `(k, 2)` and shares `(k)`."""

    means: Tensor
    shares: Tensor


def modes(colors: Tensor) -> Mixture:
    """Find the modes of colours `(n, 2)` by mean shift."""
    bins, counts = torch.round(colors / _BIN).unique(dim=0, return_counts=True)
    bins, masses = bins * _BIN, counts / counts.sum()
    places = bins
    for _ in range(_SHIFTS):
        near = masses * torch.exp(-torch.cdist(places, bins).square() / (2 * _BANDWIDTH**2))
        moved = near @ bins / near.sum(dim=1, keepdim=True)
        if torch.allclose(moved, places, atol=1e-4):
            break
        places = moved
    centers: list[Tensor] = []
    shares: list[float] = []
    for place, mass in zip(places, masses.tolist(), strict=True):
        apart = [(place - center).norm().item() for center in centers]
        if apart and min(apart) < _BANDWIDTH / 2:
            shares[apart.index(min(apart))] += mass
        else:
            centers.append(place)
            shares.append(mass)
    kept = [index for index, share in enumerate(shares) if share >= min(_LEAST, max(shares))]
    found = torch.tensor([shares[index] for index in kept])
    return Mixture(torch.stack([centers[index] for index in kept]), found / found.sum())


@torch.no_grad()
def mixture(colors: Tensor, start: Mixture) -> Mixture:
    """Fit Gaussians to colours `(n, 2)` by expectation maximisation."""
    for _ in range(_EXPECTATIONS):
        start = maximized(colors, start)
    return start


def maximized(colors: Tensor, former: Mixture) -> Mixture:
    """The next step of it; a Gaussian that explains nothing stays where it was."""
    apart = (colors[:, None] - former.means).square().sum(dim=2)
    explained = torch.softmax(former.shares.clamp(min=1e-12).log() - apart / (2 * _DEVIATION**2), dim=1)
    masses = explained.sum(dim=0)
    means = explained.T @ colors / masses[:, None].clamp(min=1e-6)
    return Mixture(torch.where(masses[:, None] > 1e-3, means, former.means), masses / len(colors))


def distance(one: Mixture, other: Mixture) -> Tensor:
    """Bhattacharyya's distance between mixtures, each Gaussian of which has its counterpart."""
    off = (one.means - other.means).square().sum(dim=1) / (8 * _DEVIATION**2)
    alike = ((one.shares * other.shares).clamp(min=1e-12).sqrt() * torch.exp(-off)).sum()
    return -torch.log(alike.clamp(min=1e-12))

"""How a colour lies among the points of the ab plane that colours are classified by."""

import torch
from torch import Tensor

from colorfuse.color.plane import SPACING

NEAREST = 5
SIGMA = 5.0

_AT_ONCE = 1 << 16


def grid_bins() -> Tensor:
    """The 529 points `(529, 2)` from -110 to 110 that the head of Zhang et al. 2017 classifies colours by."""
    steps = torch.arange(-110.0, 111.0, SPACING)
    return torch.cartesian_prod(steps, steps)


def soft_encode(ab: Tensor, bins: Tensor) -> tuple[Tensor, Tensor]:
    """How colours lie among the bins next to them (Zhang, Isola and Efros 2016, section 2.2).

    Args:
        ab: Colours `(M, 2)`.
        bins: Points `(Q, 2)`.

    Returns:
        The indices `(M, 5)` of the nearest bins, the very nearest first, and their weights `(M, 5)`, which fall with
        the distance along a normal distribution of standard deviation 5 and sum to 1.
    """
    distances, indices = _distances(ab, bins).topk(NEAREST, largest=False)
    return indices, (-(distances**2) / (2 * SIGMA**2)).softmax(dim=1)


def soft_cross_entropy(logits: Tensor, ab: Tensor, bins: Tensor) -> tuple[Tensor, Tensor]:
    """The cross-entropy of each pixel, whose true colour is spread over the bins next to it.

    Args:
        logits: `(N, Q, h, w)`.
        ab: True colours `(N, 2, h, w)`.
        bins: Points `(Q, 2)`.

    Returns:
        The cross-entropies and the indices of the nearest bins, each `(N * h * w)`.
    """
    with torch.no_grad():
        nearest, shares = soft_encode(_pixels(ab), bins)
    logs = _pixels(logits).log_softmax(dim=1)
    return -(shares * logs.gather(1, nearest)).sum(dim=1), nearest[:, 0]


def count_nearest(ab: Tensor, bins: Tensor) -> Tensor:
    """How many pixels of ab `(N, 2, H, W)` are nearest to each of the bins `(Q, 2)`."""
    counts = torch.zeros(len(bins), device=bins.device)
    for pixels in _pixels(ab).to(bins).split(_AT_ONCE):
        counts += _distances(pixels, bins).argmin(dim=1).bincount(minlength=len(bins))
    return counts


def _distances(ab: Tensor, bins: Tensor) -> Tensor:
    # A matrix product would be faster, and off by several units where it is computed in reduced precision.
    return torch.cdist(ab, bins, compute_mode="donot_use_mm_for_euclid_dist")


def _pixels(planes: Tensor) -> Tensor:
    """`(N, C, h, w)` as `(N * h * w, C)`, in full precision."""
    return planes.float().movedim(1, -1).flatten(0, -2)

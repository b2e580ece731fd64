"""Classification of colours by bins, which are points of the ab plane."""

import torch
from torch import Tensor

from colorfuse.color.plane import SPACING

NEAREST = 5
SIGMA = 5.0

_AT_ONCE = 1 << 16


def grid_bins() -> Tensor:
    """The 529 bins `(529, 2)` of the classification head of Zhang et al. 2017, a grid from -110 to 110."""
    steps = torch.arange(-110.0, 111.0, SPACING)
    return torch.cartesian_prod(steps, steps)


def soft_encode(ab: Tensor, bins: Tensor) -> tuple[Tensor, Tensor]:
    """Spread each colour over its nearest bins (Zhang, Isola and Efros 2016, section 2.2).

    Args:
        ab: Colours `(M, 2)`.
        bins: Points `(Q, 2)`.

    Returns:
        The indices `(M, 5)` of the five nearest bins, nearest first, and their weights `(M, 5)`. The weights are
        Gaussian in the distance, with a standard deviation of 5, and sum to 1.
    """
    distances, indices = _distances(ab, bins).topk(NEAREST, largest=False)
    return indices, (-(distances**2) / (2 * SIGMA**2)).softmax(dim=1)


def soft_cross_entropy(logits: Tensor, ab: Tensor, bins: Tensor) -> tuple[Tensor, Tensor]:
    """Compute each pixel's cross-entropy against its true colour, spread over the nearest bins.

    Args:
        logits: Logits of the bins `(N, Q, h, w)`.
        ab: True colours `(N, 2, h, w)`.
        bins: Points `(Q, 2)`.

    Returns:
        The cross-entropy and the index of the nearest bin of each pixel, both `(N * h * w)`.
    """
    with torch.no_grad():
        nearest, shares = soft_encode(_pixels(ab), bins)
    logs = _pixels(logits).log_softmax(dim=1)
    return -(shares * logs.gather(1, nearest)).sum(dim=1), nearest[:, 0]


def count_nearest(ab: Tensor, bins: Tensor) -> Tensor:
    """Count, for each of the bins `(Q, 2)`, the pixels of ab `(N, 2, H, W)` that are nearest to it."""
    counts = torch.zeros(len(bins), device=bins.device)
    for pixels in _pixels(ab).to(bins).split(_AT_ONCE):
        counts += _distances(pixels, bins).argmin(dim=1).bincount(minlength=len(bins))
    return counts


def _distances(ab: Tensor, bins: Tensor) -> Tensor:
    # A matrix product would be faster, but in reduced precision it is off by several units.
    return torch.cdist(ab, bins, compute_mode="donot_use_mm_for_euclid_dist")


def _pixels(planes: Tensor) -> Tensor:
    """Reshape `(N, C, h, w)` to `(N * h * w, C)`, in float32."""
    return planes.float().movedim(1, -1).flatten(0, -2)

"""Suggestions of colours, from a distribution over the bins of an objective."""

from typing import NamedTuple

import torch
from torch import Tensor

from colorfuse.color import lab_to_rgb, reduce_chroma
from colorfuse.options import Count, check_value

_ROUNDS = 50
_IN_GAMUT = 0.5
"""How far out of gamut, in CIELAB units, a bin may be."""


class Suggestion(NamedTuple):
    """A colour that a place may have.

    Attributes:
        color: The colour at the lightness of the place, as in "#5b6236".
        share: Its share of the distribution, 0 to 1.
        ab: The colour in CIELAB units.
    """

    color: str
    share: float
    ab: tuple[float, float]


def suggest_colors(bins: Tensor, shares: Tensor, lightness: float, count: int) -> list[Suggestion]:
    """Summarise a distribution over colours by a few of them, the likeliest first.

    k-means over the bins that sRGB has at this lightness, weighted by their shares. It starts from the likeliest bin
    and adds, one by one, the bin whose share times its squared distance from the others is largest; so it always
    gives the same.

    Args:
        bins: ab of the bins `(Q, 2)`.
        shares: Their shares `(Q)`.
        lightness: L in 0 to 100.
        count: The largest number of colours.

    Raises:
        ValueError: `count` is below 1.
    """
    check_value(count, Count, "count", "the suggestions")
    bins, shares = bins.cpu().double(), shares.cpu().double()
    shown = _in_gamut(bins, lightness)
    inside = ((shown - bins).norm(dim=1) < _IN_GAMUT) & (shares > 0)
    if not inside.any():  # as for black and white, which have no colours
        inside = shares > 0
        bins = shown
    centers, totals = _clusters(bins[inside], shares[inside] / shares[inside].sum(), count)
    centers = _in_gamut(centers, lightness)
    order = totals.argsort(descending=True, stable=True).tolist()
    return [Suggestion(_hex(centers[i], lightness), totals[i].item(), tuple(centers[i].tolist())) for i in order]


def _clusters(bins: Tensor, shares: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The means and total shares of at most `count` clusters, none of them empty."""
    centers = bins[shares.argmax()][None]
    while len(centers) < min(count, len(bins)):
        gain = shares * torch.cdist(bins, centers).amin(dim=1).square()
        if gain.max() <= 0:
            break
        centers = torch.cat([centers, bins[gain.argmax()][None]])
    for _ in range(_ROUNDS):
        nearest = torch.cdist(bins, centers).argmin(dim=1)
        member = torch.nn.functional.one_hot(nearest, len(centers)).double() * shares[:, None]
        totals = member.sum(dim=0)
        before, centers = centers, (member.mT @ bins) / totals.clamp(min=1e-300)[:, None]
        if torch.equal(before, centers):
            break
    return centers[totals > 0], totals[totals > 0]


def _in_gamut(ab: Tensor, lightness: float) -> Tensor:
    lab = torch.cat([torch.full_like(ab[:, :1], lightness), ab], dim=1)
    return reduce_chroma(lab.mT[..., None])[1:, :, 0].mT


def _hex(ab: Tensor, lightness: float) -> str:
    lab = torch.cat([ab.new_tensor([lightness]), ab]).reshape(3, 1, 1)
    red, green, blue = lab_to_rgb(lab, dtype=torch.uint8).flatten().tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"

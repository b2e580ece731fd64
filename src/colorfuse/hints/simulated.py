"""Hints drawn at random from true colours, as a user might give them: for training and for evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from colorfuse.hints.overall import global_hints
from colorfuse.options import Count, Fraction, Share

_MOST = 500
"""The most points of a photo; a geometric distribution has no end."""


@dataclass(frozen=True, kw_only=True)
class SimulatedHints:
    """How hints are drawn from the true colours of training photos.

    Zhang et al. 2017, *Real-time user-guided image colorization with learned deep priors*, section 3.1: a number of
    points, normally distributed around the centre of the photo with a standard deviation of a quarter of its sides.
    Each reveals the mean colour of a square patch.

    Args:
        points: Pairs of a share and a probability p: this share of the photos gets a number of points from the
            geometric distribution of p, 1 / p on average. The other photos get none.
        sides: Sides of the patches in pixels of training, each as likely.
        whole: Share of the photos of which all colours are revealed.
        histogram: Share of the photos whose histogram of colours is given, to networks that take global hints.
        saturation: Share of the photos whose mean saturation is given to these.

    Raises:
        ValueError: The shares sum to more than 1.
    """

    points: Sequence[tuple[Share, Fraction]] = ((0.5, 1 / 8), (0.2, 1 / 60))
    sides: Annotated[Sequence[Count], Field(min_length=1)] = (1, 2, 3, 4)
    whole: Share = 0.0
    histogram: Share = 0.0
    saturation: Share = 0.0

    def __post_init__(self) -> None:
        total = sum(share for share, _ in self.points)
        if total > 1 + 1e-9:
            raise ValueError(f"the shares of photos with hints sum to {total:g}, and can be at most 1")

    def draw(self, ab: Tensor) -> Tensor:
        """Draw hints `(N, 3, H, W)` for true colours `(N, 2, H, W)`, from torch's generator of the CPU."""
        counts = self._counts(len(ab))
        photo = torch.arange(len(ab)).repeat_interleave(counts)
        side = torch.tensor(list(self.sides))[torch.randint(len(self.sides), (len(photo),))]
        hints = reveal(ab, photo, normal_places(len(photo), ab.shape[-2:]), side)
        whole = (torch.rand(len(ab)) < self.whole).to(ab.device).reshape(-1, 1, 1, 1)
        return torch.where(whole, torch.cat([ab, torch.ones_like(ab[:, :1])], dim=1), hints)

    def draw_global(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Draw global hints `(N, 316)` for photos; those that are not given are 0, as are their indicators."""
        values = global_hints(lightness, ab)
        given = [torch.rand(len(ab), 1) < share for share in (self.histogram, self.saturation)]
        histogram, saturation = (each.to(values) for each in given)
        return torch.cat([values[:, :-2] * histogram, values[:, -2:] * saturation], dim=1)

    def _counts(self, photos: int) -> Tensor:
        chosen = torch.rand(photos)
        counts = torch.zeros(photos)
        for share, probability in self.points:
            drawn = torch.empty(photos).geometric_(probability)
            counts = torch.where((chosen >= 0) & (chosen < share), drawn, counts)
            chosen = chosen - share
        return counts.clamp(max=_MOST).long()


def normal_places(count: int, size: Sequence[int]) -> Tensor:
    """Draw places `(count, 2)`, rows and columns, around the centre of a photo of `size` `(H, W)`."""
    sides = torch.tensor(list(size))
    places = (sides / 2 + sides / 4 * torch.randn(count, 2)).floor().long()
    return places.clamp(min=torch.zeros(2, dtype=torch.long), max=sides - 1)


def reveal(ab: Tensor, photo: Tensor, places: Tensor, side: Tensor) -> Tensor:
    """Reveal the mean colours of square patches; where patches overlap, the last counts.

    Args:
        ab: True colours `(N, 2, H, W)`.
        photo: The photo of each patch `(K)`, from 0 to N - 1.
        places: Centres `(K, 2)`, rows and columns. Of an even side, the centre is just right of and below the middle.
        side: Sides `(K)` in pixels; patches are cropped at the photo's borders.

    Returns:
        Hints `(N, 3, H, W)`: ab and mask, on the device of `ab`.
    """
    count, _, height, width = ab.shape
    hints = ab.new_zeros(count, 3, height, width)
    if not len(photo):
        return hints
    photo, places, side = (each.to(ab.device) for each in (photo, places, side))
    steps = torch.arange(int(side.max()), device=ab.device)
    rows, columns = (places[:, axis, None] - side[:, None] // 2 + steps for axis in (0, 1))
    is_row, is_column = (
        (steps < side[:, None]) & (line >= 0) & (line < most) for line, most in ((rows, height), (columns, width))
    )
    inside = (is_row[:, :, None] & is_column[:, None, :]).flatten(1)
    cells = ((photo[:, None] * height + rows.clamp(0, height - 1))[:, :, None] * width) + columns.clamp(0, width - 1)[
        :, None, :
    ]
    cells = cells.flatten(1)
    colors = ab.movedim(1, -1).reshape(-1, 2)[cells]
    means = (colors * inside[..., None]).sum(dim=1) / inside.sum(dim=1)[:, None]
    # The last patch of each pixel by its number, which gives the same on any device, whatever the order of writing.
    numbers = torch.arange(len(photo), device=ab.device)[:, None].expand_as(cells)
    last = torch.full((count * height * width,), -1, device=ab.device)
    last = last.scatter_reduce(0, cells[inside], numbers[inside], "amax")
    revealed = torch.cat([means, torch.ones_like(means[:, :1])], dim=1)[last.clamp(min=0)] * (last >= 0)[:, None]
    return revealed.reshape(count, height, width, 3).movedim(-1, 1).contiguous()

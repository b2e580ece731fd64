"""The ab plane: its scale, and bins that cover the sRGB gamut."""

import functools

import torch
from torch import Tensor

from colorfuse.color.conversions import rgb_to_lab

AB_SCALE = 127.5
"""ab divided by this fills the range of Tanh; losses are reported in this unit."""

SPACING = 10
_PUBLISHED_BEYOND = ((40, 90), (100, -90), (100, -10), (100, 0))


@functools.cache
@torch.inference_mode(False)
def gamut_bins() -> Tensor:
    """The 313 bins `(313, 2)` of the ab plane by which Zhang, Isola and Efros 2016 classify colours.

    They are the corners of all 10 x 10 squares that contain an sRGB colour, 309 in total, and four other points of
    the published list. Each line of constant a and b crosses the surface of the sRGB gamut, so only the colours on
    the surface need to be considered.
    """
    level, other = torch.meshgrid(*[torch.arange(256, dtype=torch.uint8)] * 2, indexing="ij")
    faces = [
        torch.stack([*(level, other)[:axis], torch.full_like(level, value), *(level, other)[axis:]])
        for axis in range(3)
        for value in (0, 255)
    ]
    ab = torch.cat([rgb_to_lab(face)[1:].flatten(1) for face in faces], dim=1)
    squares = torch.floor(ab / SPACING).long().unique(dim=1)
    corners = torch.cat(
        [squares + torch.tensor(corner)[:, None] for corner in ((0, 0), (0, 1), (1, 0), (1, 1))], dim=1
    )
    points = torch.cat([SPACING * corners, torch.tensor(_PUBLISHED_BEYOND).T], dim=1)
    bins: Tensor = points.unique(dim=1).T.float()
    return bins

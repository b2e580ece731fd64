"""Hints for an evaluation: points at random places that reveal the true colours there."""

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from colorfuse.data.seeding import seeded
from colorfuse.hints.simulated import normal_places, reveal
from colorfuse.options import NonNegativeInt, check_value
from colorfuse.registry import unknown_name

_DRAWN = 1000

Places: TypeAlias = Callable[[int, tuple[int, int]], Tensor]
"""Draws a number of places in a photo of a height and width, `(count, 2)`."""


def _uniform_cells(count: int, size: tuple[int, int], side: int) -> Tensor:
    """Draw different cells of a grid; their centres, as `reveal` has them."""
    rows, columns = (most // side for most in size)
    cells = torch.randperm(rows * columns)[:count]
    return torch.stack([cells // columns, cells % columns], dim=1) * side + side // 2


HINT_PROTOCOLS: dict[str, tuple[int, Places]] = {
    "zhang2017": (6, normal_places),
    "icolorit": (2, partial(_uniform_cells, side=2)),
}
"""The side of the patches that hints reveal, and how their places are drawn, by name."""


def find_hint_protocol(name: str) -> tuple[int, Places]:
    """Look up how hints are drawn.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in HINT_PROTOCOLS:
        raise unknown_name("protocol of hints", name, HINT_PROTOCOLS)
    return HINT_PROTOCOLS[name]


def check_counts(counts: Sequence[int]) -> None:
    """Check the numbers of hints.

    Raises:
        ValueError: A number is no integer of at least 0.
    """
    check_value(counts if isinstance(counts, int) else list(counts), list[NonNegativeInt], "hints", "an evaluation")


def draw_points(ab: Tensor, counts: Sequence[int], protocol: str, name: str) -> dict[int, Tensor]:
    """Draw points on a photo; those of a lower number are among those of a higher one.

    Args:
        ab: The true colours `(2, H, W)`.
        counts: The numbers of points.
        protocol: How they are drawn.
        name: The photo's name, which alone decides the places for a size.

    Returns:
        Hints `(1, 3, H, W)` by number.
    """
    side, places_of = find_hint_protocol(protocol)
    with seeded(zlib.crc32(name.encode("utf-8", "surrogateescape"))):
        # A fixed number, since draws of another length may differ from their start.
        places = places_of(max(_DRAWN, *counts), (ab.shape[-2], ab.shape[-1]))
    drawn = {}
    for count in counts:
        chosen = places[:count]
        none = torch.zeros(len(chosen), dtype=torch.long)
        drawn[count] = reveal(ab[None], none, chosen, torch.full_like(none, side))
    return drawn


def row_name(count: int) -> str:
    """The name of the row of an evaluation with so many hints."""
    return "predicted" if not count else f"{count} hint{'s' if count > 1 else ''}"

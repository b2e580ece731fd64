"""Strokes of paint: hints drawn with their lightness, and without mixing their colours."""

from functools import singledispatch

import torch
from torch import Tensor

from colorfuse.errors import HintsError
from colorfuse.hints.geometry import overlaps
from colorfuse.hints.hints import Hints
from colorfuse.hints.marks import Layer, Mark, Point, Size, Stroke, blank

_LIGHTNESS = 75.0
"""L of colours that have none, except of gray, which is white paint."""
_LIKE = 10.0
"""Colours of a layer that differ by less are one, as those of noisy or shaded strokes."""
_MOST_COLORS = 64


def draw_strokes(hints: Hints, photo: Size, size: Size) -> Tensor:
    """Draw hints as strokes of paint at any size; each pixel has the colour of one stroke.

    Where strokes overlap, the last counts; where a smaller pixel shows several colours of a layer, the most frequent
    of them.

    Args:
        hints: The hints.
        photo: Height and width of the photo that they are for.
        size: Height and width of the drawing.

    Returns:
        `(4, h, w)`: Lab and a mask, all 0 where there is no stroke.

    Raises:
        HintsError: The hints do not fit the photo, or a layer has more than 64 colours.

    Example:
        >>> strokes = draw_strokes(Hints([Point(row=1, column=2, ab=(5.0, 6.0), lightness=50.0)]), (4, 4), (4, 4))
        >>> strokes[:, 1, 2].tolist()
        [50.0, 5.0, 6.0, 1.0]
    """
    hints.check(photo)
    drawing = blank(4, *size)
    for mark in hints.marks:
        _paint(mark, drawing, photo)
    return drawing


@singledispatch
def _paint(mark: Mark, drawing: Tensor, photo: Size) -> None:
    raise TypeError(f"{mark!r} is no mark")


@_paint.register
def _(mark: Point | Stroke, drawing: Tensor, photo: Size) -> None:
    size = drawing.shape[-2:]
    covered = blank(3, *size)
    mark.paint(covered, photo, size, 0)
    lightness = paint_lightness(*mark.ab) if mark.lightness is None else mark.lightness
    drawing[:, covered[2] > 0] = torch.tensor([lightness, *mark.ab, 1.0], dtype=torch.float32, device="cpu")[:, None]


@_paint.register
def _(mark: Layer, drawing: Tensor, photo: Size) -> None:
    marked = mark.mask > 0
    if not marked.any():
        return
    ab = mark.ab[:, marked]
    lightness = paint_lightness(*ab) if mark.lightness is None else mark.lightness[marked]
    palette, chosen = _few_colors(torch.cat([lightness.expand(1, ab.shape[1]), ab]).T)
    colors = torch.full(marked.shape, -1, device="cpu")
    colors[marked] = chosen
    down, right = (overlaps(photo[axis], drawing.shape[axis + 1]) for axis in (0, 1))
    shares = torch.stack([down @ (colors == index).float() @ right.mT for index in range(len(palette))])
    most, which = shares.max(dim=0)
    covered = most > 0
    drawing[:3, covered] = palette[which[covered]].T
    drawing[3, covered] = 1.0


def paint_lightness(a: float | Tensor, b: float | Tensor) -> Tensor:
    """L of paint of which only ab are known: that of white for gray, and 75 for colours."""
    gray = (torch.as_tensor(a) == 0) & (torch.as_tensor(b) == 0)
    return torch.where(gray, 100.0, _LIGHTNESS)


def _few_colors(lab: Tensor) -> tuple[Tensor, Tensor]:
    """Reduce colours `(n, 3)` to a palette `(k, 3)` of frequent ones, and each one's index in it `(n,)`."""
    unique, which, counts = lab.unique(dim=0, return_inverse=True, return_counts=True)
    palette: list[Tensor] = []
    index = torch.empty(len(unique), dtype=torch.long, device=lab.device)
    for place in counts.argsort(descending=True, stable=True):
        off = [(unique[place] - its).norm().item() for its in palette]
        index[place] = off.index(min(off)) if off and min(off) < _LIKE else len(palette)
        if index[place] == len(palette):
            palette.append(unique[place])
            if len(palette) > _MOST_COLORS:
                raise HintsError(f"the layer has more than {_MOST_COLORS} colours; paint strokes with a hard brush")
    return torch.stack(palette), index[which]

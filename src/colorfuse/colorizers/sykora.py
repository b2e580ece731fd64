"""The system of Sýkora et al. 2009: line drawings painted from rough strokes, by minimum cuts."""

import dataclasses
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from colorfuse.colorizers.cuts import check_solver, grid_pairs, minimum_cut
from colorfuse.colorizers.painter import Labels, Painter, label_strokes
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.hints.colors import lab_of
from colorfuse.inference.rendering import working_size
from colorfuse.options import Share, Side
from colorfuse.registry import unknown_name

_NONE = -1
_LOG_SIGMA = 1.1


def _log(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ink by the Laplacian of a Gaussian, which finds the lines of a pencil on paper of any shade."""
    response: NDArray[np.float32] = scipy.ndimage.gaussian_laplace(1 - ink, _LOG_SIGMA).clip(min=0)
    response /= max(response.max(), np.finfo(np.float32).tiny)
    return response


INKS: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "linear": lambda ink: ink,
    "square": lambda ink: 1 - (1 - ink) ** 2,
    "log": _log,
}
"""How the darkness of pixels, from 0 for paper to 1, becomes ink that borders follow, by name."""


@register_colorizer("sykora2009")
@dataclasses.dataclass(kw_only=True, eq=False)
class Sykora2009(Painter):
    """LazyBrush: paints line drawings from rough strokes, without learning.

    Sýkora, Dingliana and Collins 2009, *LazyBrush: flexible painting tool for hand-drawn cartoons*. Each pixel gets
    the colour of a stroke, so that the borders between colours follow ink and are short where there is none: gaps in
    lines are bridged. Strokes may overrun lines, since the largest stroke within a region wins. The drawing is
    multiplied onto the colours, so that white paper takes them and lines stay.

    Args:
        method: "cut" for the paper's minimum cuts, one colour after another; or "watershed", which floods from the
            strokes as Krita and G'MIC do. It is faster, and never overrules a stroke.
        softness: How far strokes may be overruled: 0 for strokes that count wherever they are, up to 1. A pixel of a
            stroke costs `1 - softness` of the drawing's perimeter to overrule, so a click alone may lose; at 0, more
            than any border around it.
        hard: Colours, as in hints, whose strokes count wherever they are, whatever the softness of the others.
        ink: How borders follow ink: "linear" in its darkness, "square" for fainter lines, or "log", by the Laplacian
            of a Gaussian, for pencil.
        render_size: Drawings are resized to at most about `render_size ** 2` pixels to be cut.
        upsample: How colours are upsampled to the drawing's size, as in `predict`.
        solver: "ortools", from the extra `cuts`; "scipy", which is many times slower; or "auto" for the first
            that is installed.

    Attributes:
        labels_: Of the last drawing, the number of each pixel's colour at working size `(h, w)`, in the order of
            `colors_`.
        colors_: Lab of the colours `(colours, 3)`.

    Example:
        >>> import numpy as np
        >>> drawing = np.full((60, 60), 255, np.uint8)
        >>> drawing[:, 30] = 0
        >>> system = Sykora2009(render_size=64, solver="scipy")
        >>> painted = system.predict(drawing, hints=[(30, 10, "red", 3), (30, 50, "blue", 3)])
        >>> painted[0, 0].tolist(), painted[59, 59].tolist()
        ([255, 0, 0], [0, 0, 255])
    """

    method: str = "cut"
    softness: Share = 0.9
    hard: Sequence[Any] = ()
    ink: str = "linear"
    render_size: Side = 512
    upsample: str = "bilinear"
    solver: str = "auto"

    bytes_a_pixel = 1200

    def shrink(self, lightness: Tensor, render_size: int) -> Tensor:
        """Resize L of drawings `(N, 1, H, W)` to at most about `render_size ** 2` pixels.

        Each is the darkest of those that it stands for, so that thin lines keep their ink.
        """
        height, width = lightness.shape[-2:]
        rows, columns = working_size(height, width, render_size)
        return -functional.adaptive_max_pool2d(-lightness, (min(rows, height), min(columns, width)))

    def paint(self, lightness: Tensor, strokes: Tensor) -> Tensor:
        """Paint each drawing; without a stroke, it stays white.

        Raises:
            ValueError: A setting is unknown or out of range.
            HintsError: One of `hard` is no colour.
            ImportError: The solver is not installed.
        """
        if self.method not in _METHODS:
            raise unknown_name("method", self.method, _METHODS)
        if self.ink not in INKS:
            raise unknown_name("ink", self.ink, INKS)
        self._check_settings()
        check_solver(self.solver)
        return torch.stack([self._paint_one(*each) for each in zip(lightness[:, 0], strokes, strict=True)])

    def _paint_one(self, lightness: Tensor, strokes: Tensor) -> Tensor:
        paint = lightness.new_tensor([100.0, 0.0, 0.0, 1.0]).reshape(4, 1, 1).repeat(1, *lightness.shape)
        self.colors_, self.labels_ = label_strokes(strokes)
        if len(self.colors_):
            ink = INKS[self.ink]((1 - lightness / 100).clamp(0, 1).numpy())
            self.labels_ = _METHODS[self.method](self, ink, self.labels_)
            paint[:3] = self.colors_[self.labels_].movedim(-1, 0)
            _warn_of_lost(len(self.colors_) - len(np.unique(self.labels_)))
        return paint

    def _watershed(self, ink: NDArray[np.float32], strokes: Labels) -> Labels:
        from skimage.segmentation import watershed  # takes long to import

        labels: Labels = watershed(ink, strokes + 1).astype(np.intp) - 1
        return labels

    def _cut(self, ink: NDArray[np.float32], strokes: Labels) -> Labels:
        """Cut off one colour after another, the one with most strokes first; the last gets the rest (section 4.2)."""
        perimeter = 2 * sum(ink.shape)
        pairs = grid_pairs(ink.shape[0], ink.shape[1], [(0, 1), (1, 0)])
        # A border costs less than its way around the whole drawing only where it runs along ink.
        capacities = 1 + np.rint(perimeter * (1 - ink.ravel()[pairs].max(axis=1))).astype(np.int64)
        strengths = np.where(self._are_hard(), 5 * (perimeter + 1), max(1, round((1 - self.softness) * perimeter)))
        labels, free = np.full(ink.shape, _NONE), np.ones(ink.shape, bool)
        order = np.argsort(-np.bincount(strokes[strokes >= 0]), kind="stable")
        for turn, color in enumerate(order):
            rest = np.where(np.isin(strokes, order[turn:]) & free, strokes, _NONE)
            _settle(labels, free, rest)
            if not free.any():
                break
            nodes = np.flatnonzero(free)
            among = free.ravel()[pairs].all(axis=1)
            its = rest.ravel()[nodes]
            costs = np.where(its >= 0, strengths[its], 0)
            side = minimum_cut(
                np.searchsorted(nodes, pairs[among]),
                capacities[among],
                np.where(its == color, costs, 0),
                np.where(its == color, 0, costs),
                self.solver,
            )
            labels.ravel()[nodes[side]] = color
            free.ravel()[nodes[side]] = False
        return labels

    def _are_hard(self) -> NDArray[np.bool_]:
        """Which of the strokes' colours may not be overruled."""
        if not self.softness:
            return np.ones(len(self.colors_), bool)
        labs = [[math.nan if value is None else value for value in lab_of(its)] for its in self.hard]
        hard = self.colors_.new_tensor(labs)
        apart = (self.colors_[:, None] - hard.reshape(-1, 3)).nan_to_num(0)  # some have no lightness
        near: NDArray[np.bool_] = (apart.norm(dim=-1) < 1).any(dim=1).numpy()
        return near


def _warn_of_lost(count: int) -> None:
    if count:
        its = f"{count} colour{'s' if count > 1 else ''}"
        warnings.warn(
            f"the strokes of {its} are overruled everywhere, since they are small; "
            "make them longer, or name them in `hard`",
            stacklevel=2,
        )


def _settle(labels: Labels, free: NDArray[np.bool_], strokes: Labels) -> None:
    """Give free parts of the drawing with strokes of one colour alone that colour; changes `labels` and `free`."""
    parts, count = scipy.ndimage.label(free)
    least, most = np.full(count + 1, len(strokes.ravel())), np.full(count + 1, _NONE)
    marked = strokes >= 0
    np.minimum.at(least, parts[marked], strokes[marked])
    np.maximum.at(most, parts[marked], strokes[marked])
    settled = free & (least == most)[parts]
    labels[settled] = most[parts][settled]
    free[settled] = False


_METHODS: dict[str, Callable[[Sykora2009, NDArray[np.float32], Labels], Labels]] = {
    "cut": Sykora2009._cut,
    "watershed": Sykora2009._watershed,
}

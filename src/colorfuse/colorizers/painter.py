"""Base class of systems that paint drawings: colours under the ink, rather than colours at a photo's lightness."""

import math
from abc import abstractmethod
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.base import Colorizer
from colorfuse.errors import HintsError
from colorfuse.hints.strokes import paint_lightness
from colorfuse.inference.painting import PaintingPredictor
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.prepared import PreparedSystem
from colorfuse.inference.rendering import to_render_size

Labels: TypeAlias = NDArray[np.intp]
"""The number of a stroke's colour for each pixel `(h, w)`, from 0 on; -1 where there is none."""


def label_strokes(strokes: Tensor) -> tuple[Tensor, Labels]:
    """Number the colours of strokes `(4, h, w)`: their Lab `(colours, 3)`, and which each pixel has."""
    marked = strokes[3] > 0
    colors, which = strokes[:3, marked].T.unique(dim=0, return_inverse=True)
    labels = np.full(tuple(marked.shape), -1)
    labels[marked.numpy()] = which
    return colors, labels


class Painter(Colorizer):
    """A system that paints drawings from strokes.

    Paper is white, and no colour shows at its lightness. So the drawing is multiplied onto the paint, and lightness
    changes: white paper takes the paint's colour, and ink stays. A drawing with alpha is put on white paper first.
    The `saturation` of `predict` applies to all paint, also under strokes.
    """

    takes_hints = True
    upsample = "bilinear"

    @abstractmethod
    def paint(self, lightness: Tensor, strokes: Tensor) -> Tensor:
        """Paint drawings at working size.

        Args:
            lightness: L of the drawings `(N, 1, h, w)` in 0 to 100.
            strokes: Lab and a mask `(N, 4, h, w)`.

        Returns:
            `(N, 4, h, w)`: Lab of the paint, white where there is none; and the share of the drawing's ink that stays
            on top, usually 1.
        """

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """The paint's ab, from strokes `(N, 3, h, w)` whose lightness is not known."""
        if hints is None:
            return torch.zeros_like(lightness.expand(-1, 2, -1, -1))
        shades = paint_lightness(hints[:, :1], hints[:, 1:2])
        return self.paint(lightness, torch.cat([shades, hints], dim=1))[:, 1:3]

    def check_takes(self, hints: Any) -> None:
        """Check that there are strokes.

        Raises:
            HintsError: There are none.
        """
        if hints is None:
            raise HintsError(
                f"{type(self).__name__} takes its colours from strokes alone; give hints, in the shell --hints"
            )

    def _prepared(self, lightness: Tensor) -> PreparedSystem:
        return PreparedSystem(self.paint)

    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor with these options of `predict`."""
        self.check_fitted()
        return PaintingPredictor(
            self.paint,
            self.render_size if render_size is None else render_size,
            self.upsample if upsample is None else upsample,
            saturation,
            self.shrink,
            self.bytes_a_pixel,
        )

    def shrink(self, lightness: Tensor, render_size: int) -> Tensor:
        """Resize L of drawings `(N, 1, H, W)` to at most about `render_size ** 2` pixels."""
        small = math.prod(lightness.shape[-2:]) <= render_size**2
        return lightness if small else to_render_size(lightness, render_size)

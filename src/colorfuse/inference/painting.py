"""Painting of drawings: strokes become paint, and the drawing is multiplied onto it."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from colorfuse.hints import Hints
from colorfuse.hints.strokes import draw_strokes
from colorfuse.images import Pixels
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb, Rendered
from colorfuse.inference.scaling import Hinted, Scaled
from colorfuse.inference.upsampling import bilinear


class PaintingPredictor(Predictor):
    """Paints drawings with a system that maps L and strokes to paint.

    Args:
        paint: The system.
        render_size: As in `Predictor`.
        upsample: As in `Predictor`.
        saturation: As in `Predictor`.
        shrink: Resizes L `(1, 1, H, W)` to about `render_size ** 2` pixels.
        bytes_a_pixel: As in `Predictor`.
    """

    planes = 4

    def __init__(
        self,
        paint: RenderAb,
        render_size: int,
        upsample: str,
        saturation: float,
        shrink: Callable[[Tensor, int], Tensor],
        bytes_a_pixel: int,
    ) -> None:
        super().__init__(paint, render_size, upsample, saturation, bytes_a_pixel=bytes_a_pixel)
        self.shrink = lambda photo, render_size: shrink(photo.lightness()[None], render_size)

    def scaled(self, hinted: Hinted) -> Scaled:
        """Put a drawing on white paper where it is transparent, and compute its lightness at working size."""
        return super().scaled(hinted._replace(photo=hinted.photo.on_white()))

    def draw(self, hinted: Hinted, small: Tensor) -> Tensor:
        """Draw hints as strokes `(1, 4, h, w)` at the size of `small`."""
        return draw_strokes(hinted.hints or Hints(), hinted.size, small.shape[-2:])[None]

    def finish(self, scaled: Scaled, rendered: Rendered) -> Pixels:
        """Upsample the paint to the size of the drawing, and multiply the drawing onto it."""
        (photo, _), small, drawn, _ = scaled
        if drawn is None or not drawn.any():
            warnings.warn(f"{photo.name} has no strokes, and stays as it is", stacklevel=4)
        paint, (height, _) = rendered.ab, scaled.hinted.size
        tints = self.upsampling(self.saturation * paint[:, 1:3], small, height)
        others = bilinear(paint[:, ::3], small, height)

        def rows(some: Tensor, top: int) -> Tensor:
            shade, ink = others(some[None], top).split(1, dim=1)
            return torch.cat([shade, tints(some[None], top), ink], dim=1)[0]

        return photo.painted(rows)

"""Colouring of strips of a photo, all steps at once; `compositing_compiled` has a compiled twin."""

import numpy as np

from colorfuse.images.pixels import Pixels
from colorfuse.images.strips import display, lightness_of
from colorfuse.inference.resizing import Array, Places, enlarge_guided


def color_guided(pixels: Pixels, planes: Array, rows: Places, columns: Places, limits: Array, rgb: Pixels) -> None:
    """Colour pixels by a linear function of their lightness, which is enlarged from small planes.

    Args:
        pixels: Gray or RGB `(rows, W, 1 | 3)`.
        planes: Slopes of a and b, and constants of a and b `(4, h, w)`.
        rows: The places of the rows.
        columns: The places of the columns.
        limits: The least and the greatest a, and those of b `(2, 2)`.
        rgb: Receives RGB `(rows, W, 3 | 4)`, of the same dtype; alpha is not touched.
    """
    lightness = lightness_of(pixels)
    lab = np.empty((3, *lightness.shape), np.float32)
    lab[0] = lightness
    enlarge_guided(planes, rows, columns, lightness, limits, lab[1:])
    display(lab, rgb)

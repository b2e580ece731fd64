"""Detection of monochrome photos: gray ones, and toned ones such as sepia and cyanotype."""

from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from colorfuse.color import rgb_to_lab

Kind: TypeAlias = Literal["gray", "toned"]

MIN_CHROMA = 2.0
"""The mean chroma, in CIELAB units, below which a photo counts as gray."""

_SIDE = 64
_SEGMENTS = 8
_RIDGE = 1e-9
_ALLOWED = 0.14
_LEAST, _MOST, _FARTHEST = 0.8, 2.5, 5.3
"""Bounds in CIELAB units. `docs/evaluation.md` says what they find and miss."""


def find_monochrome(image: Image.Image, min_chroma: float) -> Kind | None:
    """Classify an RGB image as gray, toned or coloured, from a thumbnail.

    Args:
        image: The photo.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, are gray; 0 treats every photo as coloured.

    Returns:
        "gray"; "toned", if a and b are functions of lightness apart from JPEG noise; or None for a coloured photo.
    """
    if min_chroma <= 0:
        return None
    lab = _small_lab(image)
    if mean_chroma(lab) < min_chroma:
        return "gray"
    return "toned" if _is_toned(lab) else None


def mean_chroma(lab: NDArray[Any]) -> float:
    """Compute the mean chroma of Lab `(3, N)`, in CIELAB units."""
    return float(np.hypot(*lab[1:]).mean())


def _small_lab(image: Image.Image) -> NDArray[Any]:
    small = image.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    lab: NDArray[Any] = rgb_to_lab(torch.from_numpy(np.array(small)).movedim(-1, 0)).flatten(1).numpy()
    return lab


def _is_toned(lab: NDArray[Any]) -> bool:
    """Whether a and b are close to their best fit by piecewise linear functions of L."""
    lightness, ab = lab[0], lab[1:]
    knots = np.unique(np.quantile(lightness, np.linspace(0, 1, _SEGMENTS + 1)))
    if len(knots) < 3 or lightness.size < 4 * len(knots):  # with so few lightness values, anything would fit
        return False
    hats = np.stack([np.interp(lightness, knots, one) for one in np.eye(len(knots))], axis=1)
    # Without BLAS, whose threads would get in the way of those that read photos.
    products, moments = np.einsum("ni,nj->ij", hats, hats), np.einsum("ni,cn->ic", hats, ab)
    values = np.linalg.solve(products + _RIDGE * len(hats) * np.eye(len(knots)), moments)
    fitted = np.einsum("ni,ic->nc", hats, values)
    apart = np.hypot(*(ab.T - fitted).T)
    is_near = apart.mean() < min(_MOST, max(_LEAST, _ALLOWED * mean_chroma(lab)))
    return bool(is_near and np.quantile(apart, 0.99) < _FARTHEST)

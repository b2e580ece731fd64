"""Photos of which there is no colour to learn: gray ones, and toned ones such as sepia and cyanotype."""

from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from colorfuse.color import rgb_to_lab

Kind: TypeAlias = Literal["gray", "toned"]

_SIDE = 64
_SEGMENTS = 8
_ALLOWED = 0.14
_LEAST, _MOST = 0.8, 2.5
"""In CIELAB units. With these, of 1,500 photos of all kinds 0.7 % count as toned, among them sunsets in one orange;
of JPEGs in quality 60 to 92 of the same photos in sepia, cyanotype or selenium 98 to 100 % do."""


def find_monochrome(image: Image.Image, min_chroma: float) -> Kind | None:
    """Whether an RGB image has no colour of its own, looked at small.

    Args:
        image: The photo.
        min_chroma: With a lower mean chroma, in CIELAB units, it is gray; 0 takes every photo for one in colour.

    Returns:
        "gray"; or "toned", where a and b are a function of lightness, but for the noise of JPEG; or None.
    """
    if min_chroma <= 0:
        return None
    lab = _small_lab(image)
    if mean_chroma(lab) < min_chroma:
        return "gray"
    return "toned" if _is_toned(lab) else None


def mean_chroma(lab: NDArray[Any]) -> float:
    """The mean chroma of Lab `(3, N)` in CIELAB units."""
    return float(np.hypot(*lab[1:]).mean())


def _small_lab(image: Image.Image) -> NDArray[Any]:
    small = image.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    lab: NDArray[Any] = rgb_to_lab(torch.from_numpy(np.array(small)).movedim(-1, 0)).flatten(1).numpy()
    return lab


def _is_toned(lab: NDArray[Any]) -> bool:
    """Whether a and b lie near the piecewise linear functions of L that fit them best."""
    lightness, ab = lab[0], lab[1:]
    knots = np.unique(np.quantile(lightness, np.linspace(0, 1, _SEGMENTS + 1)))
    if len(knots) < 3:  # of so little lightness anything would be a function
        return False
    hats = np.stack([np.interp(lightness, knots, one) for one in np.eye(len(knots))], axis=1)
    fitted = hats @ np.linalg.lstsq(hats, ab.T, rcond=None)[0]
    apart = np.hypot(*(ab.T - fitted).T).mean()
    return bool(apart < min(_MOST, max(_LEAST, _ALLOWED * mean_chroma(lab))))

"""The colours of hints, as people write them."""

import functools
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import ImageColor

from colorfuse.color import rgb_to_lab
from colorfuse.errors import HintsError

MOST_AB = 200.0
"""How far from 0 a and b of a hint may be."""


def lab_of(color: Any) -> tuple[float | None, float, float]:
    """Find the L, a and b of a colour, in CIELAB units; L is None if the colour has none.

    Args:
        color: A CSS colour: hexadecimal, a name, or a function as in "hsl(80, 30%, 30%)"; three integers, RGB in 0 to
            255; three floats, RGB in 0 to 1; `{"ab": (a, b)}`; or None for a place that stays gray.

    Raises:
        HintsError: It is none of these.

    Example:
        >>> [round(value, 1) for value in lab_of("#5b6236")]
        [40.0, -10.4, 24.1]
        >>> lab_of(None)
        (None, 0.0, 0.0)
    """
    if color is None:
        return None, 0.0, 0.0
    if isinstance(color, Mapping):
        return _of_ab(color)
    if isinstance(color, str):
        values = _of_css(color)
    else:
        values = list(color) if isinstance(color, Sequence | np.ndarray) and not isinstance(color, bytes) else []
    if len(values) == 3 and all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values):
        most = 255 if all(isinstance(value, numbers.Integral) for value in values) else 1
        if all(0 <= value <= most for value in values):
            return _of_rgb(*(float(value) / most for value in values))
    raise _no_color(color)


def _of_css(color: str) -> list[Any]:
    try:
        return list(ImageColor.getrgb(color)[:3])
    except ValueError as error:
        raise _no_color(color) from error


def _of_ab(color: Mapping[str, Any]) -> tuple[None, float, float]:
    try:
        a, b = (float(value) for value in color["ab"])
    except (KeyError, TypeError, ValueError) as error:
        raise _no_color(color) from error
    if len(color) > 1 or not all(abs(value) <= MOST_AB for value in (a, b)):
        raise _no_color(color)
    return None, a, b


@functools.lru_cache(maxsize=1024)  # many points have one colour, and are read anew with each that is added
def _of_rgb(*rgb: float) -> tuple[float, float, float]:
    values = torch.tensor(rgb, dtype=torch.float64, device="cpu").reshape(3, 1, 1)
    lightness, a, b = rgb_to_lab(values).flatten().tolist()
    return (lightness, a, b) if max(abs(a), abs(b)) > 1e-3 else (lightness, 0.0, 0.0)


def _no_color(color: Any) -> HintsError:
    return HintsError(
        f"{color!r} is no colour; give one as in '#5b6236', 'olive', (91, 98, 54), (0.36, 0.38, 0.21), "
        "{'ab': (-10, 24)}, or None to stay gray"
    )

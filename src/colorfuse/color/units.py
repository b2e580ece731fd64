"""Values that seem to be in other units than this library's."""

import warnings

from torch import Tensor

_BEYOND_ROUNDING = 2.0
_FEWEST = 64


def warn_of_bytes(rgb: Tensor) -> None:
    """Warn where floats that should lie in 0 to 1 go far beyond, as bytes made floats do."""
    if rgb.is_floating_point() and rgb.numel() and (greatest := rgb.amax().item()) > _BEYOND_ROUNDING:
        warnings.warn(
            f"RGB floats lie in 0 to 1, and these reach {greatest:g}; divide them by 255, or give uint8", stacklevel=4
        )


def warn_of_unit_lightness(lightness: Tensor, ab: Tensor | None = None) -> None:
    """Warn where L, which goes to 100, is nowhere above 1."""
    if lightness.device.type == "meta" or lightness.numel() < _FEWEST:
        return
    greatest = lightness.amax().item()
    if 0 < greatest <= 1 and lightness.amin() < greatest:
        and_ab = "" if ab is None else f" and ab lies within {ab.abs().amax().item():g}"
        warnings.warn(
            f"L lies in 0 to 100 and ab in CIELAB units, but this L is at most {greatest:g}{and_ab}; scale them",
            stacklevel=4,
        )

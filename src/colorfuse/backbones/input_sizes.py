"""Find the image sizes that a model accepts, and replace any other size by one of these."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from colorfuse.backbones.maps import ceil_div

Size: TypeAlias = tuple[int, int]
SizeRule: TypeAlias = Callable[[Size], Size]
"""Turns an image size into a nearby size that a model accepts."""

_TRIED = ((75, 131), (64, 32), (66, 69))
_MULTIPLES = (8, 14, 16, 28, 32, 64, 224)


def find_size_rule(takes: Callable[[Size], bool], native: Size) -> SizeRule:
    """Find the sizes that a model accepts: any, multiples of a number, or only the one that it was made for."""
    if all(map(takes, _TRIED)) or not takes(native):  # a model that cannot be tried gets images as they are
        return keep_size
    for multiple in _MULTIPLES:
        if takes((2 * multiple, 3 * multiple)) and takes((5 * multiple, 2 * multiple)):
            least = multiple if takes((multiple, multiple)) else 2 * multiple
            return partial(up_to_multiple, multiple=multiple, least=least)
    return partial(use_native_size, native=native)


def keep_size(size: Size) -> Size:
    """Keep the size, for a model that accepts any."""
    return size


def up_to_multiple(size: Size, multiple: int, least: int) -> Size:
    """Round each side up to a multiple, and to at least `least`."""
    height, width = (max(least, multiple * ceil_div(side, multiple)) for side in size)
    return height, width


def use_native_size(size: Size, native: Size) -> Size:
    """Return the native size, for a model that accepts no other."""
    return native

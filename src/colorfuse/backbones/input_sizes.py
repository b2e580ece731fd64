"""Which sizes of images a model takes, and the size to give it instead of another."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from colorfuse.backbones.maps import divided

Size: TypeAlias = tuple[int, int]
Sizing: TypeAlias = Callable[[Size], Size]
"""The size, near the one that is given, at which a model takes images."""

_TRIED = ((75, 131), (64, 32), (66, 69))
_MULTIPLES = (8, 14, 16, 28, 32, 64, 224)


def find_sizing(takes: Callable[[Size], bool], native: Size) -> Sizing:
    """Find the sizes that a model takes: any, multiples of a number, or but the one that it was made for."""
    if all(map(takes, _TRIED)) or not takes(native):  # where it cannot be tried, it is left to itself
        return as_it_is
    for multiple in _MULTIPLES:
        if takes((2 * multiple, 3 * multiple)) and takes((5 * multiple, 2 * multiple)):
            least = multiple if takes((multiple, multiple)) else 2 * multiple
            return partial(up_to_multiple, multiple=multiple, least=least)
    return partial(always, native=native)


def as_it_is(size: Size) -> Size:
    """Any size is taken."""
    return size


def up_to_multiple(size: Size, multiple: int, least: int) -> Size:
    """Each side rounded up."""
    height, width = (max(least, multiple * divided(side, multiple)) for side in size)
    return height, width


def always(size: Size, native: Size) -> Size:
    """One size alone is taken."""
    return native

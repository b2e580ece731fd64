"""Any module that returns maps, as a backbone."""

import copy
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn

from colorfuse.backbones.sizes import Size
from colorfuse.errors import first_line
from colorfuse.maps import MapInfo, Maps

_SIDE = 224
"""Of the images on which a module is tried: what nearly every one takes."""


class AdaptedBackbone(nn.Module):
    """A backbone of some of a module's maps, which may be frozen.

    Args:
        module: Called with images `(N, 3, H, W)`; returns a map `(N, C, h, w)` or a list of maps, fine to coarse.
        maps: All maps that it gives.
        reductions: Those to keep; None for all.
        frozen: Neither weights nor batch-norm statistics change in training.

    Raises:
        ValueError: The module has no map of one of the reductions.
    """

    def __init__(self, module: nn.Module, maps: Maps, reductions: Sequence[int] | None, frozen: bool) -> None:
        super().__init__()
        self.module = module.requires_grad_(False) if frozen else module
        self.frozen = frozen
        self._kept = _indices(maps, reductions)
        self.maps = tuple(maps[index] for index in self._kept)
        self.train(self.training)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of `images` `(N, 3, H, W)` in 0 to 1, fine to coarse."""
        given = _as_list(self.module(images))
        return [given[index] for index in self._kept]

    def train(self, mode: bool = True) -> Self:
        """Set training mode, in which a frozen backbone stays as for prediction."""
        return super().train(mode and not self.frozen)


def find_maps(module: nn.Module, name: str) -> Maps:
    """Channels and reductions of the maps that a module gives, found by running it once on the meta device.

    Raises:
        TypeError: It returns something else than maps.
        ValueError: It cannot be run on images, or its maps do not shrink from one to the next.
    """
    try:
        result = on_meta(module)((_SIDE, _SIDE))
    except Exception as error:  # whatever a module of the user's raises
        raise ValueError(
            f"the backbone {name!r} cannot be run on the meta device to find its maps ({first_line(error)}); give "
            "it an attribute `maps` with a MapInfo for each"
        ) from error
    maps = _as_list(result)
    if not maps or not all(isinstance(given, Tensor) and given.ndim == 4 and len(given) == 2 for given in maps):
        raise TypeError(
            f"the backbone {name!r} returns {_described(result)}, not a map (N, C, h, w) or a list of them"
        )
    sides = [_SIDE, *(given.shape[-2] for given in maps)]
    if any(after > before for before, after in pairwise(sides)) or sides[-1] > _SIDE // 2:
        raise ValueError(
            f"the maps of the backbone {name!r} must shrink, fine to coarse; {_SIDE} pixels become {sides[1:]}"
        )
    return tuple(MapInfo(given.shape[1], round(_SIDE / given.shape[-2])) for given in maps)


def on_meta(module: nn.Module) -> Callable[[Size], Any]:
    """A function of a height and width that runs a copy of `module` without any values: shapes alone, in no time."""
    without_values = {
        id(value): nn.Parameter(value.to("meta"), value.requires_grad)
        if isinstance(value, nn.Parameter)
        else value.to("meta")
        for value in (*module.parameters(), *module.buffers())
    }
    # A copy, since some modules keep what they have computed, and share layers, which `functional_call` confuses.
    copied = copy.deepcopy(module, without_values)

    def run(size: Size) -> Any:
        with torch.no_grad():
            return copied(torch.empty(2, 3, *size, device="meta"))

    return run


def _indices(maps: Maps, reductions: Sequence[int] | None) -> list[int]:
    known = [info.reduction for info in maps]
    missing = sorted(set(reductions or ()) - set(known))
    if missing:
        raise ValueError(f"the backbone has maps of reductions {known}, and none of {missing}")
    return [index for index, reduction in enumerate(known) if reductions is None or reduction in reductions]


def _as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, list | tuple) else [result]


def _described(result: Any) -> str:
    if isinstance(result, list | tuple):
        return f"[{', '.join(map(_described, result))}]"
    return f"a tensor of shape {tuple(result.shape)}" if isinstance(result, Tensor) else f"a {type(result).__name__}"

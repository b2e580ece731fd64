"""Use any module that returns maps as a backbone."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from colorfuse.backbones.input_sizes import Size, find_size_rule
from colorfuse.backbones.maps import MapInfo, Maps, resize
from colorfuse.errors import first_line

_SIDE = 224
"""Side of the images on which a module is tried; nearly every module accepts it."""


class Extractor(NamedTuple):
    """A module that returns maps of images, and the normalisation and image size that it expects.

    Attributes:
        module: Called with images `(N, 3, H, W)`; returns a map `(N, C, h, w)` or a list of maps, fine to coarse.
        maps: Channels and reductions of all maps that it returns.
        mean: Channel means for normalising images in 0 to 1.
        std: Channel standard deviations for normalising images in 0 to 1.
        native: Height and width of the images that it was made for.
    """

    module: nn.Module
    maps: Maps
    mean: Sequence[float] = (0.0, 0.0, 0.0)
    std: Sequence[float] = (1.0, 1.0, 1.0)
    native: Size = (_SIDE, _SIDE)


class Backbone(nn.Module):
    """Returns some of the maps of an extractor, for images of any size.

    Args:
        name: Name for error messages.
        extractor: The module that returns maps.
        reductions: Reductions of the maps to keep; None for all.
        frozen: Keep the weights and batch-norm running statistics fixed in training.

    Attributes:
        maps: Channels and reductions of the maps that it returns.

    Raises:
        ValueError: The extractor has no map of one of the reductions.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, extractor: Extractor, reductions: Sequence[int] | None, frozen: bool) -> None:
        super().__init__()
        self.features = extractor.module.requires_grad_(False) if frozen else extractor.module
        self.frozen = frozen
        self._kept = _indices(name, extractor.maps, reductions)
        self.maps = tuple(extractor.maps[index] for index in self._kept)
        for statistic, values in (("mean", extractor.mean), ("std", extractor.std)):
            self.register_buffer(statistic, torch.tensor(values).reshape(-1, 1, 1), persistent=False)
        self._sizing = find_size_rule(partial(_takes, on_meta(self.features)), extractor.native)
        self.train(self.training)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of `images` `(N, 3, H, W)` in 0 to 1, fine to coarse.

        If the extractor does not accept their size, they are resized to one that it accepts, and the maps are those
        of the resized images.
        """
        height, width = images.shape[-2:]
        images = resize(images, self._sizing((height, width)))
        given = as_list(self.features((images - self.mean) / self.std))
        return [given[index] for index in self._kept]

    def train(self, mode: bool = True) -> Self:
        """Set the training mode; a frozen backbone stays in eval mode."""
        return super().train(mode and not self.frozen)


def find_maps(module: nn.Module, name: str) -> Maps:
    """Find the channels and reductions of a module's maps by running it once on the meta device.

    If the module cannot run there, its attribute `maps` is used.

    Raises:
        TypeError: It is not a module, or returns something other than maps.
        ValueError: It cannot run on images, its maps do not shrink from one to the next, or they differ from its
            attribute `maps`.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"the backbone {name!r} must be a torch.nn.Module, not {_described(module)}")
    announced = _announced(module, name)
    try:
        result = on_meta(module)((_SIDE, _SIDE))
    except Exception as error:  # a user's module may raise anything
        if announced is not None:
            return announced
        if _runs(module, channels=1):
            raise ValueError(
                f"the backbone {name!r} takes images of one channel; a backbone gets three equal ones, (N, 3, H, W)"
            ) from error
        raise ValueError(
            f"the backbone {name!r} cannot be run on the meta device to find its maps ({first_line(error)}); give "
            "it an attribute `maps` with a MapInfo for each"
        ) from error
    maps = as_list(result)
    if any(isinstance(given, Tensor) and is_channels_last(given) for given in maps):
        raise TypeError(
            f"the backbone {name!r} gives maps (N, H, W, C), {_described(result)}; a backbone gives (N, C, H, W): "
            "permute(0, 3, 1, 2) them"
        )
    as_maps = all(isinstance(given, Tensor) and given.ndim == 4 and len(given) == 2 for given in maps)
    if not as_maps or (not maps and announced != ()):
        raise TypeError(
            f"the backbone {name!r} returns {_described(result)}, not a map (N, C, h, w) or a list of them"
        )
    if announced is None:
        return _shrinking(maps, name)
    if [given.shape[1] for given in maps] != [info.channels for info in announced]:
        raise ValueError(
            f"the backbone {name!r} announces {announced}, and gives {_described(result)} for {_SIDE} pixels"
        )
    return announced


def on_meta(module: nn.Module, channels: int = 3) -> Callable[[Size], Any]:
    """Return a function that runs a copy of `module` on the meta device, for images of a height and width.

    It computes only shapes, in almost no time. Of a module that cannot be copied, it raises the error.
    """
    without_values = {
        id(value): nn.Parameter(value.to("meta"), value.requires_grad)
        if isinstance(value, nn.Parameter)
        else value.to("meta")
        for value in (*module.parameters(), *module.buffers())
    }
    # A copy, not `functional_call`: some modules cache results, and some share layers, which it mixes up.
    try:
        copied = copy.deepcopy(module, without_values)
    except Exception as error:  # of a module of the user's, whatever it holds
        return partial(_raised, error)

    def run(size: Size) -> Any:
        with torch.no_grad():
            return copied(torch.empty(2, channels, *size, device="meta"))

    return run


def _raised(error: Exception, size: Size) -> None:
    raise error


def as_list(result: Any) -> list[Any]:
    """Return one map or several as a list."""
    return list(result) if isinstance(result, list | tuple) else [result]


def _takes(run: Callable[[Size], Any], size: Size) -> bool:
    try:
        run(size)
    except Exception:  # each family of networks rejects a size with its own error
        return False
    return True


def _announced(module: nn.Module, name: str) -> Maps | None:
    maps = getattr(module, "maps", None)
    try:
        return None if maps is None else tuple(MapInfo(*map(int, info)) for info in maps)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the `maps` of the backbone {name!r} must be a tuple with a MapInfo for each map, not {maps!r}"
        ) from error


def _runs(module: nn.Module, channels: int) -> bool:
    try:
        on_meta(module, channels)((_SIDE, _SIDE))
    except Exception:  # whatever a module of the user's raises
        return False
    return True


def is_channels_last(given: Tensor) -> bool:
    """Whether a map of a square image has its channels behind."""
    return given.ndim == 4 and given.shape[1] == given.shape[2] != given.shape[3]


def _shrinking(maps: list[Tensor], name: str) -> Maps:
    sides = [_SIDE, *(given.shape[-2] for given in maps)]
    if any(after > before for before, after in pairwise(sides)) or sides[-1] > _SIDE // 2:
        raise ValueError(
            f"the maps of the backbone {name!r} must shrink, fine to coarse; {_SIDE} pixels become {sides[1:]}"
        )
    return tuple(MapInfo(given.shape[1], round(_SIDE / given.shape[-2])) for given in maps)


def _indices(name: str, maps: Maps, reductions: Sequence[int] | None) -> list[int]:
    known = [info.reduction for info in maps]
    missing = sorted(set(reductions or ()) - set(known))
    if missing:
        raise ValueError(f"the backbone {name!r} has maps of reductions {known}, and none of {missing}")
    return [index for index, reduction in enumerate(known) if reductions is None or reduction in reductions]


def _described(result: Any) -> str:
    if isinstance(result, list | tuple):
        return f"[{', '.join(map(_described, result))}]"
    return f"a tensor of shape {tuple(result.shape)}" if isinstance(result, Tensor) else f"a {type(result).__name__}"

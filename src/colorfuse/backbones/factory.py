"""Backbones by name: those that were registered, all of timm's, and torchvision's."""

import fnmatch
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field
from torch import Tensor, nn

from colorfuse.backbones import timm, torchvision
from colorfuse.backbones.backbone import Backbone, Extractor, find_maps
from colorfuse.backbones.maps import Maps
from colorfuse.options import check_options
from colorfuse.registry import Registry, Spec, build_part, parse_spec, unknown_name

Reductions: TypeAlias = Annotated[Sequence[int], Field(min_length=1)]

Factory = TypeVar("Factory", bound=Callable[..., nn.Module])


def _published() -> list[str]:
    return timm.names() + torchvision.names()


_REGISTERED: Registry[nn.Module] = Registry("backbone")


@_REGISTERED.register("none")
class NoBackbone(nn.Module):
    """No backbone: the network is that of the encoder alone."""

    maps: Maps = ()

    def __init__(self) -> None:  # so that it takes no options
        super().__init__()

    def forward(self, images: Tensor) -> list[Tensor]:
        """No maps."""
        return []


_REGISTERED.reserved = _published  # from here on, since to ask for them takes timm, and a second to import it


def register_backbone(name: str) -> Callable[[Factory], Factory]:
    """A decorator that makes a class of backbones known by `name`.

    Its modules are called with lightness divided by 100, as three equal channels `(N, 3, H, W)` in 0 to 1, which they
    normalise as they need. They return a feature map or a list of them, fine to coarse. Which these are, and which
    sizes of images they take, is found by running them on the meta device; one that cannot run there says in an
    attribute `maps`, a tuple with a `MapInfo` for each map, what it gives. A class that has a parameter `pretrained`
    is told whether the colorizer starts from pretrained weights.

    Raises:
        ValueError: The name is taken by another registered backbone, or by a model of timm's or torchvision's.
        TypeError: There is no name.

    Example:
        >>> import colorfuse, torch
        >>> @colorfuse.register_backbone("edges")
        ... class Edges(torch.nn.Conv2d):
        ...     def __init__(self):
        ...         super().__init__(3, 8, kernel_size=3, stride=2, padding=1)
        >>> colorfuse.create_backbone("edges").maps
        (MapInfo(channels=8, reduction=2),)
    """
    return _REGISTERED.register(name)


def list_backbones(pattern: str = "*") -> list[str]:
    """The names of all backbones that match a shell-style pattern, sorted; torchvision's are `torchvision/NAME`.

    Example:
        >>> "mobilenetv1_100" in list_backbones("mobilenet*")
        True
    """
    return sorted(_REGISTERED.names(pattern) + fnmatch.filter(_published(), pattern))


def create_backbone(
    spec: Spec,
    *,
    pretrained: bool = True,
    weights: str | Path | None = None,
    reductions: Reductions | None = None,
    frozen: bool = False,
) -> Backbone:
    """Build a backbone.

    Args:
        spec: A name from `list_backbones()`, or a mapping of `name` and options. These may be any of the arguments
            below, which they take the place of, and for registered backbones those of theirs.
        pretrained: Start from the published weights, unless there are local ones.
        weights: The path of a local `.safetensors` or `.pth` file to start from, for timm's and torchvision's models.
        reductions: Keep the maps of these reductions alone; None for all.
        frozen: Neither weights nor batch-norm statistics change in training.

    Returns:
        A module that gives a list of maps, fine to coarse, of images `(N, 3, H, W)` in 0 to 1, and tells their
        channels and reductions in `maps`.

    Raises:
        ValueError: The name is unknown, the backbone does not take an option, has no map of a reduction, or its maps
            do not shrink.
        TypeError: The spec is neither a name nor a mapping with a name, or a registered backbone gives no maps.
        WeightsError: The weights cannot be had, or are not this model's.

    Example:
        >>> create_backbone("mobilenetv1_100", pretrained=False, reductions=(8, 32)).maps
        (MapInfo(channels=256, reduction=8), MapInfo(channels=1024, reduction=32))
    """
    name, options = parse_spec(spec, "backbone")
    chosen: dict[str, Any] = {"reductions": reductions, "frozen": frozen}
    chosen |= {option: options.pop(option) for option in chosen if option in options}
    check_options(f"the backbone {name!r}", create_backbone, chosen, inputs=1)
    if weights is not None:
        options = {"weights": str(weights)} | options
    factory = backbone_factory(name)
    if "pretrained" in inspect.signature(factory).parameters:
        options = {"pretrained": pretrained} | options
    given: Any = build_part("backbone", name, factory, options)
    extractor = given if isinstance(given, Extractor) else Extractor(given, find_maps(given, name))
    return Backbone(name, extractor, **chosen)


def backbone_factory(name: str) -> Callable[..., Any]:
    """What builds the backbone of a name, or what a backbone is made of.

    Raises:
        ValueError: The name is unknown.
    """
    if name in _REGISTERED:
        return _REGISTERED.factory(name)
    if name in torchvision.names():
        return partial(torchvision.create, name)
    if name.partition(".")[0] in timm.names():
        return partial(timm.create, name)
    raise unknown_name("backbone", name, list_backbones())


def without_pretrained(spec: Spec) -> Spec:
    """The spec of the same backbone for a network whose weights come from elsewhere, so that it starts from none."""
    name, options = parse_spec(spec, "backbone")
    if name not in _REGISTERED:
        options.pop("weights", None)
    if "pretrained" in inspect.signature(backbone_factory(name)).parameters:
        options["pretrained"] = False
    return {"name": name, **options}

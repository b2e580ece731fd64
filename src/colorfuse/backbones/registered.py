"""Backbones by name: those that were registered, all of timm's, and torchvision's."""

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from colorfuse.backbones import timm, torchvision
from colorfuse.backbones.adapted import AdaptedBackbone, find_maps
from colorfuse.registry import Registry, Spec, build_part, parse_spec, unknown_name

Factory = TypeVar("Factory", bound=Callable[..., nn.Module])


def _published() -> list[str]:
    return timm.names() + torchvision.names()


_REGISTERED: Registry[nn.Module] = Registry("backbone", reserved=_published)


def register_backbone(name: str) -> Callable[[Factory], Factory]:
    """A decorator that makes a class of backbones known by `name`.

    Its modules are called with lightness divided by 100, as three equal channels `(N, 3, H, W)` in 0 to 1, which they
    normalise as they need. They return a feature map or a list of them, fine to coarse. Which these are they may say
    in an attribute `maps`, a tuple with a `MapInfo` for each; else it is found by running them on the meta device.

    Raises:
        ValueError: The name is taken by another registered backbone, or by a model of timm's or torchvision's.

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
    reductions: Sequence[int] | None = None,
    frozen: bool = False,
) -> nn.Module:
    """Build a backbone.

    Args:
        spec: A name from `list_backbones()`, or a mapping of `name` and options, among them those below.
        pretrained: Start from the published weights, unless there are local ones. Registered backbones choose theirs.
        weights: The path of a local `.safetensors` or `.pth` file to start from, for timm's and torchvision's models.
        reductions: Keep the maps of these reductions alone; None for all.
        frozen: Neither weights nor batch-norm statistics change in training.

    Returns:
        A module that gives a list of maps, fine to coarse, of images `(N, 3, H, W)` in 0 to 1, and tells their
        channels and reductions in `maps`.

    Raises:
        ValueError: The name is unknown, the backbone does not take an option, has no map of a reduction, or its maps
            do not shrink.
        TypeError: A registered backbone gives no maps.
        WeightsError: The weights cannot be had, or are not this model's.

    Example:
        >>> create_backbone("mobilenetv1_100", pretrained=False, reductions=(8, 32)).maps
        (MapInfo(channels=256, reduction=8), MapInfo(channels=1024, reduction=32))
    """
    name, options = parse_spec(spec, "backbone")
    reductions, frozen = options.pop("reductions", reductions), options.pop("frozen", frozen)
    if weights is not None:
        options["weights"] = weights
    backbone = _build(name, options, pretrained)
    maps = getattr(backbone, "maps", None)
    if maps is not None and reductions is None and not frozen:
        return backbone
    return AdaptedBackbone(backbone, maps or find_maps(backbone, name), reductions, frozen)


def _build(name: str, options: dict[str, Any], pretrained: bool) -> nn.Module:
    if name in _REGISTERED:
        return _REGISTERED.create({"name": name, **options})
    for source in (timm, torchvision):
        if name.partition(".")[0] in source.names():
            create: Callable[..., nn.Module] = source.create
            return build_part("backbone", name, create, options, name, pretrained=pretrained)
    raise unknown_name("backbone", name, list_backbones())

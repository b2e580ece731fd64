"""Backbones by name: those that were registered, and all of timm's."""

import fnmatch
from collections.abc import Callable
from typing import TypeVar

from torch import nn

from colorfuse.backbones import timm
from colorfuse.registry import Registry, Spec, build_part, parse_spec, unknown_name

Factory = TypeVar("Factory", bound=Callable[..., nn.Module])

_REGISTERED: Registry[nn.Module] = Registry("backbone", reserved=timm.names)


def register_backbone(name: str) -> Callable[[Factory], Factory]:
    """A decorator that makes a class of backbones known by `name`.

    Its modules are called with lightness divided by 100, as three equal channels `(N, 3, H, W)` in 0 to 1, which they
    normalise as they need. They return a list of feature maps, fine to coarse, and say in their attribute `maps` what
    these are: a tuple with a `MapInfo` for each.

    Raises:
        ValueError: The name is taken by another registered backbone or by a model of timm's.

    Example:
        >>> import colorfuse, torch
        >>> @colorfuse.register_backbone("edges")
        ... class Edges(torch.nn.Conv2d):
        ...     maps = (colorfuse.MapInfo(channels=8, reduction=2),)
        ...     def __init__(self):
        ...         super().__init__(3, 8, kernel_size=3, stride=2, padding=1)
        ...     def forward(self, images):
        ...         return [super().forward(images)]
        >>> colorfuse.list_backbones("ed*s")
        ['edges']
    """
    return _REGISTERED.register(name)


def list_backbones(pattern: str = "*") -> list[str]:
    """The names of all backbones that match a shell-style pattern, sorted.

    Example:
        >>> "mobilenetv1_100" in list_backbones("mobilenet*")
        True
    """
    return sorted(_REGISTERED.names(pattern) + fnmatch.filter(timm.names(), pattern))


def create_backbone(spec: Spec, *, pretrained: bool = True) -> nn.Module:
    """Build a backbone.

    Args:
        spec: A name from `list_backbones()`, or a mapping of `name` and options; timm's models take `weights`, the
            path of a local `.safetensors` or `.pth` file to start from.
        pretrained: Start from the published weights, unless there are local ones. Registered backbones choose theirs.

    Raises:
        ValueError: The name is unknown, or the backbone does not take an option.
        TypeError: A registered backbone has no `maps`.
        WeightsError: The weights cannot be had, or are not this model's.

    Example:
        >>> create_backbone("mobilenetv1_100", pretrained=False).maps[-1]
        MapInfo(channels=1024, reduction=32)
    """
    name, options = parse_spec(spec, "backbone")
    if name in _REGISTERED:
        backbone = _REGISTERED.create(spec)
        if not hasattr(backbone, "maps"):
            raise TypeError(f"the backbone {name!r} does not say in `maps` which maps it gives")
        return backbone
    if name.partition(".")[0] not in timm.names():
        raise unknown_name("backbone", name, list_backbones())
    return build_part("backbone", name, timm.TimmBackbone, options, name, pretrained=pretrained)

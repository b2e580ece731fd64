"""Backbones by name: registered ones, all models of timm, and torchvision's classifiers."""

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

_HUB_OF_TIMM = "timm/"

Factory = TypeVar("Factory", bound=Callable[..., nn.Module])


def _published() -> list[str]:
    return timm.names() + torchvision.names()


_REGISTERED: Registry[nn.Module] = Registry("backbone")


@_REGISTERED.register("none")
class NoBackbone(nn.Module):
    """No backbone: the network uses the encoder alone."""

    maps: Maps = ()

    def __init__(self) -> None:  # so that it takes no options
        super().__init__()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return no maps."""
        return []


_REGISTERED.reserved = _published  # only now, since each later registration imports timm, which takes a second


def register_backbone(name: str) -> Callable[[Factory], Factory]:
    """Register a backbone class under `name`, as a decorator.

    The backbone is called with lightness divided by 100, as three equal channels `(N, 3, H, W)` in 0 to 1, and
    normalises them as it needs. It returns a feature map or a list of them, fine to coarse. It is run on the meta
    device to find its maps and the image sizes that it accepts. A backbone that cannot run there must describe its
    maps in an attribute `maps`, a tuple with a `MapInfo` for each map. If the class has a parameter `pretrained`, it
    is True when the colorizer starts from pretrained weights, else False.

    Raises:
        ValueError: The name is taken by another registered backbone, or by a model of timm's or torchvision's.
        TypeError: The name is missing.

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
        spec: A name from `list_backbones()`, or a mapping of `name` and options. Options may be any of the arguments
            below, which they override, and any arguments of a registered backbone.
        pretrained: Start from the published weights, unless `weights` is given.
        weights: The path of a local `.safetensors` or `.pth` file to start from, for timm's and torchvision's models.
        reductions: Keep only the maps of these reductions; None for all.
        frozen: Keep the weights and batch-norm running statistics fixed in training.

    Returns:
        A module that turns images `(N, 3, H, W)` in 0 to 1 into a list of maps, fine to coarse. Its attribute `maps`
        holds their channels and reductions.

    Raises:
        ValueError: The name is unknown, the backbone does not take an option, has no map of a reduction, or its maps
            do not shrink.
        TypeError: The spec is neither a name nor a mapping with a name, or a registered backbone returns no maps.
        WeightsError: The weights cannot be obtained, or belong to another model.

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
    given: Any = build_part("backbone", name, factory, options, others=chosen)
    extractor = given if isinstance(given, Extractor) else Extractor(given, find_maps(given, name))
    return Backbone(name, extractor, **chosen)


def backbone_factory(name: str) -> Callable[..., Any]:
    """Return the callable that builds a backbone's module or extractor.

    Raises:
        ValueError: The name is unknown.
    """
    if name in _REGISTERED:
        return _REGISTERED.factory(name)
    if name.startswith(_HUB_OF_TIMM):  # as the hub names timm's models
        return backbone_factory(name.removeprefix(_HUB_OF_TIMM))
    if name in torchvision.names():
        return partial(torchvision.create, name)
    if name.partition(".")[0] in timm.names():
        return partial(timm.create, name)
    raise unknown_name("backbone", name, list_backbones())


def without_pretrained(spec: Spec) -> Spec:
    """Return the spec of the same backbone without pretrained weights, for a network that loads its own."""
    name, options = parse_spec(spec, "backbone")
    if name not in _REGISTERED:
        options.pop("weights", None)
    if "pretrained" in inspect.signature(backbone_factory(name)).parameters:
        options["pretrained"] = False
    return {"name": name, **options}

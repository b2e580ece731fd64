"""Backbones from timm, by timm's own names.

timm takes a second to import, and imports torchvision, so it is only imported when a backbone is first needed.
"""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

import torch

from colorfuse.backbones.backbone import Extractor
from colorfuse.backbones.maps import MapInfo
from colorfuse.backbones.weights import load_file, unavailable
from colorfuse.errors import first_line

_FOR_ANY_SIZE: tuple[dict[str, Any], ...] = (
    {"dynamic_img_size": True, "dynamic_img_pad": True},
    {"strict_img_size": False},
    {},
)


def names() -> list[str]:
    """The names of all models that timm can build."""
    import timm

    known: list[str] = timm.list_models()
    return known


def create(name: str, *, pretrained: bool = True, weights: str | Path | None = None) -> Extractor:
    """Build a timm model that returns one feature map for each of its reductions.

    Args:
        name: A name from `timm.list_models()`, with or without a pretrained tag.
        pretrained: Start from timm's published weights, from the hub or its local cache.
        weights: Start from this local `.safetensors` or `.pth` file instead, which holds the model's state dict.

    Raises:
        ValueError: timm cannot build the model.
        WeightsError: The weights cannot be downloaded or read, or belong to another model.
    """
    pretrained = pretrained and weights is None
    place = _place(name)
    try:
        features = _create_for_any_size(name, pretrained)
    except Exception as error:  # the hub's client passes on any error of its HTTP client
        if pretrained:
            raise unavailable(name, place, error) from error
        raise ValueError(f"timm cannot build {name!r}: {first_line(error)}") from error
    if weights is not None:
        load_file(getattr(features, "model", features), _keys(name), name, Path(weights))
    info, made_for = features.feature_info, features.pretrained_cfg
    maps = tuple(MapInfo(*pair) for pair in zip(info.channels(), info.reduction(), strict=True))
    return Extractor(features, maps, made_for["mean"], made_for["std"], tuple(made_for["input_size"][1:]))


def _create_for_any_size(name: str, pretrained: bool) -> Any:
    """Build a model with the options by which its family accepts images of any size, if it has any."""
    import timm

    build: Any = partial(timm.create_model, name, features_only=True, pretrained=pretrained)
    for options in _FOR_ANY_SIZE:
        with contextlib.suppress(TypeError):  # from families that do not have the option
            return build(feature_cls="getter", **options)
    return build()  # one family returns its maps in its own way


def _place(name: str) -> str:
    """Where timm looks for the weights of a model.

    Raises:
        ValueError: The model has no such pretrained tag.
    """
    import timm

    try:
        known: Any = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        raise ValueError(f"timm cannot build {name!r}: {first_line(error)}") from error
    return f"the hub's {known.hf_hub_id}" if known and known.hf_hub_id else "the hub"


def _keys(name: str) -> list[str]:
    """Return the state dict keys of the whole model."""
    import timm

    with torch.device("meta"):
        return list(timm.create_model(name).state_dict())

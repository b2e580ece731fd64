"""Backbones from torchvision, by its own names with the prefix `torchvision/`.

torchvision provides whole classifiers: a sequence of layers, and a head, which is left out here. Of layers whose maps
have about the same size, the last map is returned.
"""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from colorfuse.backbones.backbone import Extractor, is_channels_last, on_meta
from colorfuse.backbones.maps import MapInfo
from colorfuse.backbones.weights import load_file, unavailable

_PREFIX = "torchvision/"
_HEAD = {"AuxLogits", "aux1", "aux2", "avgpool", "dropout", "classifier", "fc", "flatten", "head", "heads"}


def names() -> list[str]:
    """The names of all torchvision classifiers, each with the prefix `torchvision/`."""
    from torchvision import models

    return [_PREFIX + name for name in models.list_models(module=models)]


def create(name: str, *, pretrained: bool = True, weights: str | Path | None = None) -> Extractor:
    """Build a torchvision classifier that returns one feature map for each of its reductions.

    Args:
        name: A name from `names()`.
        pretrained: Start from torchvision's best published weights, from its server or the local cache.
        weights: Start from this local `.safetensors` or `.pth` file instead, which holds the model's state dict.

    Raises:
        WeightsError: The weights cannot be downloaded or read, or belong to another model.
    """
    from torchvision import models

    best: Any = models.get_model_weights(name.removeprefix(_PREFIX))["DEFAULT"]
    trained_on = best.transforms()
    (side,) = trained_on.crop_size
    model = _create_classifier(name, best if pretrained and weights is None else None, side)
    keys = list(model.state_dict())
    if isinstance(model, models.DenseNet):  # its last activation is not a layer
        model.features.add_module("relu", nn.ReLU(inplace=True))
    part: _Transformer | _Layers
    part = _Transformer(model) if isinstance(model, models.VisionTransformer) else _Layers(model, side)
    if weights is not None:
        load_file(part.model, keys, name, Path(weights))
    # Models that Google trained take images in -1 to 1, whatever their weights' transforms say.
    halves = (0.5, 0.5, 0.5)
    mean, std = (halves, halves) if hasattr(model, "transform_input") else (trained_on.mean, trained_on.std)
    return Extractor(part, part.maps, mean, std, (side, side))


def _create_classifier(name: str, weights: Any, side: int) -> nn.Module:
    from torchvision import models

    of_one_size = {"image_size": side} if name.startswith(f"{_PREFIX}vit_") else {}
    with warnings.catch_warnings():  # two models warn that their initialisation will change
        warnings.simplefilter("ignore", FutureWarning)
        try:
            model: nn.Module = models.get_model(name.removeprefix(_PREFIX), weights=weights, **of_one_size)
        except Exception as error:  # a failed download raises various errors
            if weights is None:
                raise
            raise unavailable(name, weights.url, error) from error
    return model


class _Layers(nn.Module):
    """A sequence of layers, which returns the last map of each size.

    Args:
        model: The classifier; its layers are its children, or the items of its sequential children.
        side: Side of the square images on which the layers are tried.
    """

    def __init__(self, model: nn.Module, side: int) -> None:
        super().__init__()
        # Not the model itself: some models refuse a state dict of only some of their layers.
        self.model = nn.ModuleDict({name: child for name, child in model.named_children() if name not in _HEAD})
        self._taken = dict.fromkeys(range(len(list(self._layers()))), False)
        last: dict[int, tuple[int, bool, int]] = {}
        for index, given in enumerate(on_meta(self)((side, side))):
            channels_last = is_channels_last(given)
            height, channels = given.shape[1 if channels_last else 2], given.shape[3 if channels_last else 1]
            # Rounded, since networks without padding return slightly smaller maps.
            last[2 ** round(math.log2(side / height))] = index, channels_last, channels
        self._taken = {index: channels_last for index, channels_last, _ in last.values()}
        self.maps = tuple(MapInfo(channels, reduction) for reduction, (*_, channels) in last.items())

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps `(N, C, h, w)` of `images` `(N, 3, H, W)`, fine to coarse."""
        x, maps = images, []
        for index, layer in enumerate(self._layers()):
            x = layer(x)
            if index in self._taken:
                maps.append(x.permute(0, 3, 1, 2) if self._taken[index] else x)
        return maps

    def _layers(self) -> Iterator[nn.Module]:
        for child in self.model.values():
            if isinstance(child, nn.Sequential | nn.ModuleList):
                yield from child
            else:
                yield child


class _Transformer(nn.Module):
    """The single map of a vision transformer: its patch tokens after all layers.

    Args:
        model: The transformer.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.model.heads = nn.Identity()
        self.maps = (MapInfo(model.hidden_dim, model.patch_size),)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The map `(N, C, h, w)` of `images` `(N, 3, H, W)`, in a list."""
        patches: Tensor = self.model.conv_proj(images)
        kind = self.model.class_token.expand(len(images), -1, -1)
        tokens = self.model.encoder(torch.cat([kind, patches.flatten(2).mT], dim=1))
        return [tokens[:, 1:].mT.unflatten(2, patches.shape[-2:])]

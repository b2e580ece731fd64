"""Backbones from timm, by timm's own names.

timm takes a second to import and torchvision comes with it, so it is imported when a backbone is first asked for.
"""

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from colorfuse.backbones.adapted import run_on_meta
from colorfuse.backbones.sizes import Size, find_sizing
from colorfuse.errors import WeightsError, first_line
from colorfuse.maps import MapInfo, Maps, resize

_FOR_ANY_SIZE = ({"dynamic_img_size": True, "dynamic_img_pad": True}, {"strict_img_size": False})


class TimmBackbone(nn.Module):
    """The feature maps of a timm model, one for each reduction that it has.

    Args:
        name: A name from `timm.list_models()`, with a pretrained tag or without.
        pretrained: Start from timm's published weights, from the hub or its local cache.
        weights: Start from this local `.safetensors` or `.pth` file instead, which holds the model's state dict.

    Raises:
        WeightsError: The weights cannot be reached or read, or are not this model's.
    """

    maps: Maps
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, *, pretrained: bool = True, weights: str | Path | None = None) -> None:
        super().__init__()
        self.features = _create_features(name, pretrained, weights)
        info = self.features.feature_info
        self.maps = tuple(MapInfo(*pair) for pair in zip(info.channels(), info.reduction(), strict=True))
        for statistic in ("mean", "std"):
            values = torch.tensor(self.features.pretrained_cfg[statistic]).reshape(-1, 1, 1)
            self.register_buffer(statistic, values, persistent=False)
        self._sizing = find_sizing(self._takes, tuple(self.features.pretrained_cfg["input_size"][1:]))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of `images` `(N, 3, H, W)` in 0 to 1, fine to coarse.

        Where the model does not take their size, it sees them at the nearest that it takes, and so are the maps.
        """
        height, width = images.shape[-2:]
        images = resize(images, self._sizing((height, width)))
        maps: list[Tensor] = self.features((images - self.mean) / self.std)
        return maps

    def _takes(self, size: Size) -> bool:
        try:
            run_on_meta(self.features, size)
        except Exception:  # each family of models has its own for a size that it does not take
            return False
        return True


def names() -> list[str]:
    """The names of all models that timm can build."""
    import timm

    known: list[str] = timm.list_models()
    return known


def _create_features(name: str, pretrained: bool, weights: str | Path | None) -> Any:
    pretrained = pretrained and weights is None
    try:
        features = _create_for_any_size(name, pretrained)
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise ValueError(f"timm cannot build {name!r}: {first_line(error)}") from error
        raise WeightsError(
            f"the pretrained weights of {name!r} cannot be had from the hub ({first_line(error)}); go on with "
            f"pretrained=False, or with a local file: backbone={{'name': {name!r}, 'weights': 'FILE.safetensors'}}"
        ) from error
    if weights is not None:
        _load_file(features.model, name, Path(weights))
    return features


def _create_for_any_size(name: str, pretrained: bool) -> Any:
    """The model with what its family has for images of other sizes than its own, if it has something."""
    import timm

    create: Any = partial(timm.create_model, name, features_only=True, feature_cls="getter", pretrained=pretrained)
    for options in _FOR_ANY_SIZE:
        with contextlib.suppress(TypeError):  # of families that do not know the option
            return create(**options)
    return create()


def _load_file(model: nn.Module, name: str, path: Path) -> None:
    """Load every weight of `model` from a file that may hold more, such as a classifier."""
    from timm.models import clean_state_dict

    try:
        state = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except Exception as error:
        raise WeightsError(f"the weights file {path} cannot be read: {first_line(error)}") from error
    state, wanted = clean_state_dict(state), model.state_dict().keys()
    missing = sorted(wanted - state.keys())
    try:
        model.load_state_dict({key: state[key] for key in wanted if key in state}, strict=not missing)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not hold the weights of {name!r}: {' '.join(str(error).split())}") from error
    if missing:
        raise WeightsError(f"{path} does not hold the weights of {name!r}: it lacks {', '.join(missing[:3])}, ...")


def _read_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` file, which may lie one level down; nothing else in it is unpickled."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        state = state.get(key, state)
    return state

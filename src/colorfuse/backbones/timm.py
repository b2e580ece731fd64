"""Backbones from timm, by timm's own names.

timm takes a second to import and torchvision comes with it, so it is imported when a backbone is first asked for.
"""

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from colorfuse.errors import WeightsError
from colorfuse.maps import MapInfo, Maps


class TimmBackbone(nn.Module):
    """The feature maps of a timm model, one for each reduction that it has.

    Args:
        name: A name from `timm.list_models()`, with a pretrained tag or without.
        pretrained: Start from trained weights: timm's published ones, from the hub or its local cache.
        weights: A local `.safetensors` or `.pth` file with the model's state dict, to take instead of the hub's.

    Raises:
        WeightsError: The weights cannot be reached, read, or are not this model's.
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

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of `images` `(N, 3, H, W)` in 0 to 1, fine to coarse."""
        maps: list[Tensor] = self.features((images - self.mean) / self.std)
        return maps


def names() -> list[str]:
    """The names of all models that timm can build."""
    import timm

    known: list[str] = timm.list_models()
    return known


def _create_features(name: str, pretrained: bool, weights: str | Path | None) -> Any:
    import timm

    options: dict[str, Any] = {"features_only": True, "feature_cls": "getter", "pretrained": pretrained}
    if pretrained and weights is not None:
        options["pretrained_cfg_overlay"] = {"state_dict": _read_weights(Path(weights))}
    try:
        return timm.create_model(name, **options)
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        if weights is not None:
            raise WeightsError(f"{weights} does not hold the weights of {name!r}: {_first_line(error)}") from error
        raise WeightsError(
            f"the pretrained weights of {name!r} cannot be had from the hub ({_first_line(error)}); go on with "
            f"pretrained=False, or with a local file: backbone={{'name': {name!r}, 'weights': 'FILE.safetensors'}}"
        ) from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except Exception as error:
        raise WeightsError(f"the weights file {path} cannot be read: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

"""Networks that others publish, as backbones: their normalisation, the sizes they take, their weights."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from colorfuse.backbones.adapted import on_meta
from colorfuse.backbones.sizes import Size, find_sizing
from colorfuse.errors import WeightsError, first_line
from colorfuse.maps import Maps, resize


class PublishedBackbone(nn.Module):
    """The feature maps of a network that was trained on photos of a mean, a standard deviation and a size.

    Args:
        features: Called with normalised images `(N, 3, H, W)`; returns a list of maps, fine to coarse.
        maps: The maps that it gives.
        mean: Of the images' three channels, in 0 to 1.
        std: Likewise.
        native: Height and width of the images that it was made for.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, features: nn.Module, maps: Maps, mean: Sequence[float], std: Sequence[float], native: Size
    ) -> None:
        super().__init__()
        self.features = features
        self.maps = maps
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).reshape(-1, 1, 1), persistent=False)
        self._sizing = find_sizing(partial(_takes, on_meta(features)), native)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of `images` `(N, 3, H, W)` in 0 to 1, fine to coarse.

        Where the network does not take their size, it sees them at the nearest that it takes, and so are the maps.
        """
        height, width = images.shape[-2:]
        images = resize(images, self._sizing((height, width)))
        maps: list[Tensor] = self.features((images - self.mean) / self.std)
        return maps


def _takes(run: Callable[[Size], Any], size: Size) -> bool:
    try:
        run(size)
    except Exception:  # each family of networks has its own for a size that it does not take
        return False
    return True


def cannot_be_had(name: str, place: str, error: BaseException) -> WeightsError:
    """The error for weights that cannot be fetched from where they are published, with the two ways on."""
    return WeightsError(
        f"the pretrained weights of {name!r} cannot be had from {place} ({first_line(error)}); go on with "
        f"pretrained=False, or with a local file: backbone={{'name': {name!r}, 'weights': 'FILE.safetensors'}}"
    )


def load_file(model: nn.Module, name: str, path: Path) -> None:
    """Load every weight of `model` from a `.safetensors` or `.pth` file that may hold more, such as a classifier.

    Raises:
        WeightsError: The file cannot be read, or is not this model's.
    """
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

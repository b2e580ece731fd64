"""The weights that networks are published with, and their files."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from colorfuse.errors import WeightsError, first_line


def cannot_be_had(name: str, place: str, error: BaseException) -> WeightsError:
    """The error for weights that cannot be fetched from where they are published, with the two ways on."""
    return WeightsError(
        f"the pretrained weights of {name!r} cannot be had from {place} ({first_line(error)}); go on with "
        f"pretrained=False, or with a local file: backbone={{'name': {name!r}, 'weights': 'FILE.safetensors'}}"
    )


def load_file(model: nn.Module, whole: Iterable[str], name: str, path: Path) -> None:
    """Load every weight of `model` from a `.safetensors` or `.pth` file that may hold more, such as a classifier.

    Args:
        model: What remains of a published network.
        whole: The keys of all of its weights.
        name: What it is called, for errors.
        path: The file.

    Raises:
        WeightsError: The file cannot be read, or is not this model's.
    """
    state, wanted = _read(path), model.state_dict()
    whole = set(whole) | wanted.keys()
    problems = [f"it lacks {key}" for key in wanted if key not in state]
    # A head may be another's, but no layer beside those that the network has there.
    parts = {key.partition(".")[0] for key in wanted}
    problems += [f"it has {key} as well" for key in state if key not in whole and key.partition(".")[0] in parts]
    problems += [
        f"its {key} is {tuple(state[key].shape)} and not {tuple(weights.shape)}"
        for key, weights in wanted.items()
        if key in state and state[key].shape != weights.shape
    ]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(f"{path} does not hold the weights of {name!r}: {', '.join(problems[:3])}{more}")
    model.load_state_dict({key: state[key] for key in wanted})


def _read(path: Path) -> dict[str, Tensor]:
    from timm.models import clean_state_dict

    try:
        state = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
        state = clean_state_dict({key: value for key, value in state.items() if isinstance(value, Tensor)})
        # The names of layers in the files that torchvision publishes of DenseNets, which its own loader changes too.
        return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", key): value for key, value in state.items()}
    except Exception as error:
        raise WeightsError(f"the weights file {path} cannot be read: {first_line(error)}") from error


def _read_pickle(path: Path) -> dict[str, Any]:
    """What a `.pth` file holds, whose weights may lie one level down; nothing else in it is unpickled."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        state = state[key] if isinstance(state.get(key), dict) else state
    return state

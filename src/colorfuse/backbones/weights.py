"""Published weights of networks, and the files that hold them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from colorfuse.errors import WeightsError, first_line


def unavailable(name: str, place: str, error: BaseException) -> WeightsError:
    """Return the error for published weights that cannot be downloaded, with two ways to go on."""
    return WeightsError(
        f"the pretrained weights of {name!r} cannot be had from {place} ({first_line(error)}); go on with "
        f"pretrained=False, or with a local file: backbone={{'name': {name!r}, 'weights': 'FILE.safetensors'}}"
    )


def load_file(model: nn.Module, whole: Iterable[str], name: str, path: Path) -> None:
    """Load every weight of `model` from a `.safetensors` or `.pth` file, which may hold more, such as a classifier.

    Args:
        model: The part of a published network that is used.
        whole: State dict keys of the whole published network.
        name: Name for error messages.
        path: The file.

    Raises:
        WeightsError: The file cannot be read, or belongs to another model.
    """
    state, wanted = _read(path), model.state_dict()
    whole = set(whole) | wanted.keys()
    problems = [f"it lacks {key}" for key in wanted if key not in state]
    # The file may have another head, but no additional layers in the parts that are used.
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
        # torchvision's DenseNet files have old layer names, which its own loader renames too.
        return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", key): value for key, value in state.items()}
    except Exception as error:
        raise WeightsError(
            f"the weights file {path} cannot be read as .safetensors or .pth: {first_line(error)}"
        ) from error


def _read_pickle(path: Path) -> dict[str, Any]:
    """Read the state dict of a `.pth` file, which may be nested one level down; nothing else is unpickled."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        state = state[key] if isinstance(state.get(key), dict) else state
    return state

"""A colorizer as a folder: its settings in JSON, its weights in safetensors, its history in CSV, a model card."""

import csv
import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor, nn

from colorfuse.errors import WeightsError, one_line
from colorfuse.files import atomic_file, write_tensors

FILES = ("config.json", "model.safetensors", "history.csv", "README.md")
"""What a saved colorizer consists of."""

_FORMAT = 1
_CONFIG, _WEIGHTS, _HISTORY, _README = FILES
_CHECKSUM = "sha256"
_CARD = """\
---
library_name: colorfuse
pipeline_tag: image-to-image
tags: [colorization]
---

# A colorizer

Colours gray photographs with [colorfuse](https://pypi.org/project/colorfuse/):

```python
import colorfuse

colorfuse.FusionColorizer.from_pretrained("this folder, or owner/name on the hub").predict("photo.jpg")
```

Its parts and the settings of its training are in `config.json`, the figures of each epoch in `history.csv`.
"""


def write_folder(
    folder: Path,
    settings: dict[str, Any],
    network: nn.Module,
    history: list[dict[str, float]],
    dtype: torch.dtype,
) -> None:
    """Write each file of a saved colorizer, whole or not at all; a model card that is there is left alone.

    Raises:
        ValueError: The dtype is not a float.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"weights are stored as floats, such as torch.float16, not as {dtype}")
    config = {"format": _FORMAT, "colorfuse": metadata.version("colorfuse"), "settings": settings}
    weights = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    with atomic_file(folder / _WEIGHTS) as partial:
        write_tensors(partial, weights, {_CHECKSUM: _checksum(weights)})
    with atomic_file(folder / _CONFIG) as partial:
        partial.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    with atomic_file(folder / _HISTORY) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(dict.fromkeys(name for row in history for name in row)))
        table.writeheader()
        table.writerows(history)
    if not (folder / _README).exists():
        with atomic_file(folder / _README) as partial:
            partial.write_text(_CARD, "utf-8")


def is_saved(folder: Path) -> bool:
    """Whether a folder holds a saved colorizer."""
    return (folder / _CONFIG).exists()


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings in `config.json`.

    Raises:
        FileNotFoundError: The folder, or the file in it, does not exist.
        ValueError: The file is no configuration of a colorizer, or one of a later format.
    """
    path = folder / _CONFIG
    if not path.exists():
        raise FileNotFoundError(f"{folder} holds no saved colorizer: there is no {path}")
    try:
        config = json.loads(path.read_text("utf-8"))
        version, settings = config["format"], dict(config["settings"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the configuration of a colorizer: {error!r}") from error
    if version != _FORMAT:
        raise ValueError(f"{path} has format {version!r}, this colorfuse reads {_FORMAT}; upgrade colorfuse")
    return settings


def read_weights(folder: Path, network: nn.Module) -> None:
    """Load `model.safetensors` into `network`, strictly.

    Raises:
        WeightsError: The file is missing, has another checksum than when it was written, or is another network's.
    """
    path = folder / _WEIGHTS
    try:
        network.load_state_dict(_read_tensors(path))
    except Exception as error:
        raise WeightsError(f"{path} cannot be loaded into this network: {one_line(error)}") from error


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file, and check it if it has a checksum.

    Raises:
        ValueError: The tensors are not those that were written.
        OSError, safetensors.SafetensorError: The file cannot be read.
    """
    with safetensors.safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
        written = (file.metadata() or {}).get(_CHECKSUM)
    if written not in (None, _checksum(tensors)):
        raise ValueError("its tensors do not have its checksum, so it was damaged; save or download it again")
    return tensors


def _checksum(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_history(folder: Path) -> list[dict[str, float]]:
    """The history in `history.csv`, empty where there is none.

    Raises:
        ValueError: The file is no table of numbers.
    """
    path = folder / _HISTORY
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [{name: _number(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise ValueError(f"{path} is not the history of a colorizer: {error}") from error


def _number(cell: str) -> float:
    return int(cell) if cell.isdecimal() else float(cell)

"""A saved colorizer: a folder with settings in JSON, tensors in safetensors, history in CSV and a model card."""

import csv
import hashlib
import json
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import torch
from torch import Tensor

from colorfuse.errors import WeightsError, one_line
from colorfuse.files import atomic_file, write_tensors

FILES = ("config.json", "model.safetensors", "history.csv", "README.md")
"""The files of a saved colorizer."""

_FORMAT = 1
_DEFAULT_COLORIZER = "fusion"
"""The colorizer to assume where `config.json` names none."""
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


class SavedConfig(NamedTuple):
    """The content of `config.json`.

    Attributes:
        colorizer: The name of the colorizer's class among `list_colorizers()`.
        settings: The constructor's arguments.
    """

    colorizer: str
    settings: dict[str, Any]


def write_folder(
    folder: Path,
    saved: SavedConfig,
    tensors: Mapping[str, Tensor],
    history: list[dict[str, float]],
    dtype: torch.dtype,
) -> None:
    """Write the files of a saved colorizer, each atomically; an existing model card is kept.

    Args:
        folder: The folder to write to, which is created if needed.
        saved: The content of `config.json`.
        tensors: The learnt tensors, by name.
        history: The metrics of each epoch.
        dtype: The dtype to store floating-point tensors in.

    Raises:
        ValueError: The dtype is not floating-point.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"weights are stored as floats, such as torch.float16, not as {dtype}")
    config = {"format": _FORMAT, "colorfuse": metadata.version("colorfuse"), **saved._asdict()}
    weights = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
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


def read_config(folder: Path) -> SavedConfig:
    """Read `config.json`.

    Raises:
        FileNotFoundError: The folder, or the file in it, does not exist.
        ValueError: The file is not the configuration of a colorizer, or has another format version.
    """
    path = folder / _CONFIG
    if not path.exists():
        raise FileNotFoundError(f"{folder} holds no saved colorizer: there is no {path}")
    try:
        config = json.loads(path.read_text("utf-8"))
        version, saved = (
            config["format"],
            SavedConfig(config.get("colorizer", _DEFAULT_COLORIZER), dict(config["settings"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not the configuration of a colorizer: {error!r}") from error
    if version != _FORMAT:
        raise ValueError(f"{path} has format {version!r}, this colorfuse reads {_FORMAT}; upgrade colorfuse")
    return saved


def read_tensors(folder: Path, load: Callable[[dict[str, Tensor]], object]) -> None:
    """Pass the tensors of `model.safetensors` to `load`, such as a network's `load_state_dict`.

    Raises:
        WeightsError: The file is missing or does not match its checksum, or `load` raises a `RuntimeError`,
            `KeyError` or `IndexError`.
    """
    path = folder / _WEIGHTS
    try:
        tensors = _read_checked(path)
    except Exception as error:
        raise _not_loaded(path, error) from error
    try:
        load(tensors)
    except (RuntimeError, KeyError, IndexError) as error:
        raise _not_loaded(path, error) from error


def _not_loaded(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} cannot be loaded into this network: {one_line(error)}")


def _read_checked(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file, and verify its checksum if it has one.

    Raises:
        ValueError: The tensors do not match the checksum.
        OSError, safetensors.SafetensorError: The file cannot be read.
    """
    with safetensors.safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
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
    """Read `history.csv`; the history is empty if there is no such file.

    Raises:
        ValueError: The file is not a table of numbers.
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

"""Training checkpoints: folders of safetensors and JSON files with checksums."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from colorfuse.errors import WeightsError
from colorfuse.files import check_folder, write_errors, write_tensors

_CHECKSUMS = "SHA256SUMS"
_STATE = "state.json"

Tensors = Mapping[str, Mapping[str, Tensor]]


class Checkpoints:
    """The last two checkpoints of a run, in its sub-folder `checkpoints`.

    Each is a numbered folder of safetensors files, `state.json`, and `SHA256SUMS` in the format of `sha256sum -c`.

    Args:
        run: The run folder.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.folder = run / "checkpoints"
        self._sound: Path | None = None

    def prepare(self) -> None:
        """Create the folder, and check that it is writable."""
        check_folder(self.folder)

    def save(self, tensors: Tensors, state: Mapping[str, Any]) -> None:
        """Write a checkpoint to a temporary folder, rename it, and remove all others but the previous intact one."""
        saved = self._numbered()
        partial = self.folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        with write_errors(self.folder, "make room, and resume the run to go on"):
            partial.mkdir(parents=True)
            for name, values in tensors.items():
                write_tensors(partial / f"{name}.safetensors", dict(values))
            (partial / _STATE).write_text(json.dumps(state, indent=1), "utf-8")
            sums = [f"{_sha256(path)}  {path.name}\n" for path in sorted(partial.iterdir())]
            (partial / _CHECKSUMS).write_text("".join(sums), "utf-8")
            place = self.folder / f"{int(saved[-1].name) + 1 if saved else 1:06}"
            partial.replace(place)
        before, self._sound = self._sound, place
        for other in saved:
            if other != before:
                shutil.rmtree(other)

    def state(self) -> dict[str, Any] | None:
        """The state in the last intact checkpoint; None if there is no checkpoint.

        A damaged checkpoint is skipped with a warning that names it.

        Raises:
            WeightsError: All checkpoints are damaged.
        """
        if self._sound is None:
            self._sound = self._find()
        if self._sound is None:
            return None
        state: dict[str, Any] = json.loads((self._sound / _STATE).read_text("utf-8"))
        return state

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """The tensors of the checkpoint that `state` has found, by file name and tensor name."""
        files = self._sound.glob("*.safetensors") if self._sound else ()
        return {path.stem: safetensors.torch.load_file(path) for path in files}

    def __str__(self) -> str:
        return f"the checkpoints in {self.folder}"

    def exist(self) -> bool:
        """Whether there is a checkpoint, intact or not."""
        return bool(self._numbered())

    def _find(self) -> Path | None:
        saved = self._numbered()
        for place in reversed(saved):
            reason = _damage(place)
            if reason is None:
                return place
            if place != saved[0]:
                warnings.warn(f"the checkpoint {place} is damaged, {reason}; the one before it is used", stacklevel=4)
        if saved:
            raise WeightsError(f"no checkpoint in {self.folder} can be used: {saved[0]} is damaged, {reason}")
        return None

    def _numbered(self) -> list[Path]:
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path for path in found if path.name.isdecimal())


def _damage(place: Path) -> str | None:
    """What is wrong with the files of a checkpoint; None if they match their checksums."""
    try:
        lines = (place / _CHECKSUMS).read_text("utf-8").splitlines()
        sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        changed = [name for name, digest in sums.items() if _sha256(place / name) != digest]
    except (OSError, ValueError) as error:
        return f"its checksums cannot be read ({error})"
    if _STATE not in sums:
        return f"its {_CHECKSUMS} lacks {_STATE}"
    return f"{' and '.join(changed)} not being what its checksum says" if changed else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state that an optimizer keeps for each weight, as named tensors."""
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, moments in state.items() for name, tensor in moments.items()}


def load_optimizer_state(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore an optimizer's state from `optimizer_state`; its settings, such as the learning rate, stay."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    # Fused optimizers assume, without a check, that moments have the same memory layout as their weights.
    for weights, moments in optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == weights.shape:
                moments[name] = torch.empty_like(weights).copy_(moment)

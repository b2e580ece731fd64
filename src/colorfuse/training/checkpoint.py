"""What a training needs to go on after it was stopped: one folder, in safetensors and JSON."""

import json
import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from colorfuse.errors import WeightsError
from colorfuse.files import write_tensors

_FOLDER = "checkpoint"


def has_checkpoint(run: Path) -> bool:
    """Whether a training can go on from `run`."""
    return _last_state(run / _FOLDER) is not None


def _last_state(folder: Path) -> Path | None:
    """Where the last state lies: a save that is cut between its two renames leaves it under its second name."""
    return next((place for place in (folder, folder.with_suffix(".previous")) if place.exists()), None)


class Checkpoint:
    """The state of a training in the folder `checkpoint` of a run.

    Args:
        run: The run's folder.
        network: What is trained.
        optimizer: The optimizer over it.
        schedule: The optimizer's schedule.
    """

    def __init__(self, run: Path, network: nn.Module, optimizer: torch.optim.Optimizer, schedule: LambdaLR) -> None:
        self.folder = run / _FOLDER
        self.network = network
        self.optimizer = optimizer
        self.schedule = schedule

    def save(self, history: list[dict[str, float]]) -> None:
        """Write the state beside the last one, then put it in its place."""
        partial, previous = self.folder.with_suffix(".partial"), self.folder.with_suffix(".previous")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        optimizer = self.optimizer.state_dict()
        moments = {
            f"{index}.{name}": tensor for index, state in optimizer["state"].items() for name, tensor in state.items()
        }
        state = {
            "history": history,
            "steps": self.schedule.last_epoch,
            "param_groups": optimizer["param_groups"],
        }
        write_tensors(partial / "model.safetensors", self.network.state_dict())
        write_tensors(partial / "optimizer.safetensors", moments)
        (partial / "state.json").write_text(json.dumps(state, indent=1))
        if self.folder.exists():
            shutil.rmtree(previous, ignore_errors=True)
            self.folder.replace(previous)
        partial.replace(self.folder)
        shutil.rmtree(previous, ignore_errors=True)

    def load(self) -> list[dict[str, float]]:
        """Bring back the state and return the history; an empty one where nothing was saved.

        Raises:
            WeightsError: The checkpoint cannot be read, or is another network's.
        """
        folder = _last_state(self.folder)
        if folder is None:
            return []
        try:
            self.network.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
            moments = safetensors.torch.load_file(folder / "optimizer.safetensors")
            state = json.loads((folder / "state.json").read_text())
            self.optimizer.load_state_dict({"state": _nested(moments), "param_groups": state["param_groups"]})
            self._match_layouts()
            self._set_step(state["steps"])
        except Exception as error:
            raise WeightsError(f"the checkpoint {folder} cannot be used: {' '.join(str(error).split())}") from error
        history: list[dict[str, float]] = state["history"]
        return history

    def _set_step(self, step: int) -> None:
        """Go on with the schedule at `step`, also if it has become a longer one."""
        self.schedule.last_epoch = step
        for group, rate, factor in zip(
            self.optimizer.param_groups, self.schedule.base_lrs, self.schedule.lr_lambdas, strict=True
        ):
            group["lr"] = rate * factor(step)

    def _match_layouts(self) -> None:
        """Lay out each moment in memory as its weights are, which fused optimizers rely on without a check."""
        for weights, state in self.optimizer.state.items():
            for name, moment in state.items():
                if moment.shape == weights.shape:
                    state[name] = torch.empty_like(weights).copy_(moment)


def _nested(moments: dict[str, torch.Tensor]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in moments.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    return state

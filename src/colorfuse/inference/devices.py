"""Device selection."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import torch

from colorfuse.errors import first_line

Device: TypeAlias = str | torch.device | None
"""A torch device, such as "cpu" or "cuda:1"; "auto" or None for the GPU if there is one."""


def find_device(device: Device = None) -> torch.device:
    """Resolve a device; by default CUDA or MPS if available, else the CPU.

    Raises:
        ValueError: torch knows no such device, or it is not available.
    """
    if device is None or device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"no device is called {device!r}; use auto, cpu, cuda or mps") from error
    if (found.type == "cuda" and not torch.cuda.is_available()) or (found.type == "mps" and not _has_mps()):
        raise ValueError(f"device {device} is not there: this torch finds no such GPU; use auto or cpu")
    if found.type not in ("cpu", "cuda", "mps"):
        _check_works(found)
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device {device} is not there: {torch.cuda.device_count()} GPUs are; count from cuda:0")
    return found


def as_default(device: torch.device) -> AbstractContextManager[Any]:
    """Within a block, let "cuda" mean this GPU, if it is one with a number."""
    return torch.cuda.device(device) if device.type == "cuda" and device.index is not None else nullcontext()


def _check_works(device: torch.device) -> None:
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # each kind of device raises its own
        raise ValueError(f"device {device} cannot be used: {first_line(error)}; use cpu, cuda or mps") from error


def _has_mps() -> bool:
    return torch.backends.mps.is_available()

"""What is to be computed in full precision, also where the rest is not."""

from contextlib import AbstractContextManager, nullcontext

import torch


def full_precision(device: str) -> AbstractContextManager[None]:
    """A context in which matrices are not multiplied in half precision on a kind of device."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()

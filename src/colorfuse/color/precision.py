"""Full precision for some computations inside autocast."""

from contextlib import AbstractContextManager, nullcontext

import torch


def full_precision(device: str) -> AbstractContextManager[None]:
    """Return a context without autocast on a device type, so that matrices are multiplied in full precision."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()

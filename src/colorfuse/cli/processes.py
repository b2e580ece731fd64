"""Processes that torchrun starts, which share the work."""

import os
from datetime import timedelta

_AS_LONG_AS_IT_TAKES = timedelta(days=365)


def find_rank() -> tuple[int, int]:
    """Return this process's number, from 0 on, and how many processes share the work; (0, 1) without torchrun."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def wait_for_all() -> None:
    """Wait until all processes have come here; torchrun would end the others as soon as one fails."""
    from torch import distributed

    if not distributed.is_torchelastic_launched():
        return
    distributed.init_process_group("gloo", timeout=_AS_LONG_AS_IT_TAKES)
    distributed.barrier()
    distributed.destroy_process_group()

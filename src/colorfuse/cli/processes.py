"""Processes that share the work, started by torchrun or by the command itself."""

import os
import subprocess
import sys
from datetime import timedelta

import typer

_AS_LONG_AS_IT_TAKES = timedelta(days=365)


def find_rank() -> tuple[int, int]:
    """Return this process's number, from 0 on, and how many processes share the work; (0, 1) if it is alone.

    Raises:
        ValueError: The environment has one without the other, or ones that do not fit.
    """
    rank, size = (os.environ.get(name) for name in ("RANK", "WORLD_SIZE"))
    if rank is None and size in (None, "1"):
        return 0, 1
    if not (rank and size and rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
        raise ValueError(
            f"the environment has RANK={rank} and WORLD_SIZE={size}, which are not a process's number and how many "
            "there are; unset them, or start the command by torchrun"
        )
    return int(rank), int(size)


def run_workers(count: int) -> int:
    """Run this very command in several processes that share its work, and return the greatest exit status.

    Each computes on its share of the cores.
    """
    import torch

    threads = max(1, torch.get_num_threads() // count)
    shared = os.environ | {"WORLD_SIZE": str(count), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", "from colorfuse.cli import main; main()", *sys.argv[1:]]
    # Standard error is where this process writes to; what its C libraries write to is silenced.
    workers = [
        subprocess.Popen(command, env=shared | {"RANK": str(rank)}, stderr=sys.stderr) for rank in range(count)
    ]
    try:
        statuses = [worker.wait() for worker in workers]
    except BaseException:
        for worker in workers:
            worker.terminate()
        raise
    for status in statuses:
        if status < 0:
            typer.echo(
                f"colorfuse: a worker was ended by signal {-status}, perhaps for lack of memory; the same command "
                "goes on, with fewer --workers if need be",
                err=True,
            )
    return max(map(abs, statuses))


def wait_for_all() -> None:
    """Wait until all processes have come here; torchrun would end the others as soon as one fails."""
    from torch import distributed

    if not distributed.is_torchelastic_launched():
        return
    distributed.init_process_group("gloo", timeout=_AS_LONG_AS_IT_TAKES)
    distributed.barrier()
    distributed.destroy_process_group()

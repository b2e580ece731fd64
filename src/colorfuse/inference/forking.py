"""Makes predictions work in forked processes."""

import os

import torch


def _compute_alone() -> None:
    """Use a single thread: torch would wait forever for pool threads, which do not survive a fork."""
    torch.set_num_threads(1)


def make_forks_safe() -> None:
    """Let processes forked from this one compute with torch, on platforms that fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_compute_alone)

"""Predictions in processes that were forked."""

import os

import torch


def _compute_alone() -> None:
    """Compute on one thread: the others that torch would wait for do not outlive a fork."""
    torch.set_num_threads(1)


def make_forks_safe() -> None:
    """Let processes that are forked from this one compute with torch, where the system forks processes."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_compute_alone)

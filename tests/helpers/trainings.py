"""Trainings that run in processes of their own, and what is trained on."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

import colorfuse as cf

SETTINGS: dict[str, object] = {
    "backbone": "test_efficientnet",
    "pretrained": False,
    "image_size": 32,
    "batch_size": 4,
    "epochs": 10,
    "ema_decay": 0.9,
    "frozen_epochs": 3,
    "clip_norm": 1.0,
}


def train(photos: Path, run: Path) -> None:
    """Begin or resume a short training that writes a checkpoint every few steps."""
    torch.set_num_threads(1)
    colorizer = cf.FusionColorizer(**SETTINGS)  # type: ignore[arg-type]
    colorizer.fit(photos, validation=0.25, resume=run, checkpoint_minutes=0.1 / 60, num_workers=0)


def run_script(*arguments: object, processes: int = 1, **environment: str) -> str:
    """Run a script with its arguments by itself or under torchrun, on the CPU, and return what it says.

    Raises:
        AssertionError: It failed; with the end of what it said.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(launcher if processes > 1 else ()), *map(str, arguments)]
    # One thread: several that wait for one another take minutes on a machine that does other things as well.
    settings = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"} | environment
    done = subprocess.run(
        command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stdout[-5000:]}"
    return done.stdout


class Samples(Dataset[Any]):
    """A dataset of what is given."""

    def __init__(self, samples: list[Any]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]

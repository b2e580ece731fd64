"""The training loop."""

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from colorfuse.data.loading import batches, count_classes, create_loader
from colorfuse.errors import TrainingError
from colorfuse.maps import resize_to
from colorfuse.network import FusionNetwork
from colorfuse.objectives import AB_SCALE, Objective, Term
from colorfuse.sample import Batch
from colorfuse.training.checkpoint import Checkpoint
from colorfuse.training.learner import Learner
from colorfuse.training.settings import Settings, create_optimizer

History: TypeAlias = list[dict[str, float]]
"""One dict an epoch; errors are means of (ab / 127.5)^2 whatever the objective, so that runs can be compared."""

_OBSERVED = 2000
"""How many photos an objective is shown before training."""

_BAR: dict[str, Any] = {"unit": "batch", "disable": None, "leave": False}


def train(
    network: FusionNetwork,
    objective: Objective,
    terms: Sequence[Term],
    train_data: Dataset[Any],
    validation_data: Dataset[Any] | None,
    settings: Settings,
    *,
    run: Path | None = None,
    resume: bool = False,
    after_epoch: Callable[[History], None] = lambda history: None,
    num_workers: int | None = None,
) -> History:
    """Train `network` in place and return one dict of figures an epoch.

    The device is the one that accelerate finds; its environment variables choose another, and the precision:
    `ACCELERATE_MIXED_PRECISION=bf16`, say.

    Args:
        network: What is trained.
        objective: The loss, and the reading of planes as ab.
        terms: What is added to the loss.
        train_data: Photos to learn from, as (L, ab).
        validation_data: Photos to judge by after each epoch.
        settings: How long, how fast and from which seed.
        run: A folder for checkpoints, one after each epoch; none are written without it.
        resume: Go on from the checkpoint in `run`, if there is one.
        after_epoch: Called with the history so far, also with that of a checkpoint to go on from.
        num_workers: Processes that read photos; by default half of the cores, at most 8, where processes are forked,
            and none elsewhere.

    Raises:
        ValueError: The checkpoint to go on from was made with another number of photos, or with more epochs.
        PhotoError: A photo cannot be read.
        TrainingError: The loss of an epoch is not finite, or there are several training processes.
    """
    from accelerate import Accelerator

    accelerator = Accelerator()
    if accelerator.num_processes > 1:
        raise TrainingError(f"fit works in one process, not in {accelerator.num_processes}; start a single one")
    loader = create_loader(train_data, settings.batch_size, num_workers, seed=settings.seed)
    torch.manual_seed(settings.seed)
    for term in terms:
        term.bind(network, count_classes(train_data) if term.needs_labels else None)
    learner = Learner(network, objective, terms).to(memory_format=torch.channels_last)
    optimizer, schedule = create_optimizer(learner, settings, len(loader) * settings.epochs)
    checkpoint = Checkpoint(run, learner, optimizer, schedule) if run else None
    history = checkpoint.load() if checkpoint and resume else []
    if schedule.last_epoch != len(history) * len(loader):
        raise ValueError(
            f"the checkpoint in {run} was made with {schedule.last_epoch // len(history)} steps an epoch, not with "
            f"{len(loader)}; resume with the photos and the batch_size of its run"
        )
    if len(history) > settings.epochs:
        raise ValueError(f"the run in {run} has done {len(history)} epochs, more than epochs={settings.epochs}")
    if history:  # the training may have been cut between its checkpoint and what is done after an epoch
        after_epoch(history)
    model, optimizer, loader = accelerator.prepare(learner, optimizer, loader)
    if not history:
        objective.observe(_colors(train_data, settings, num_workers))
    judged = None
    if validation_data is not None:
        judged = accelerator.prepare(create_loader(validation_data, settings.batch_size, num_workers))

    def step(batch: Batch) -> Tensor:
        loss: Tensor
        loss, _ = model(batch)
        accelerator.backward(loss)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return loss.detach()

    try:
        for epoch in range(len(history) + 1, settings.epochs + 1):
            # All that an epoch draws depends on the seed and its number, so that a resumed training draws the same.
            torch.manual_seed(settings.seed + 1_000_003 * epoch)
            loader.set_epoch(epoch)
            started, learning_rate = time.perf_counter(), optimizer.param_groups[0]["lr"]
            model.train()
            loss, color = _train_epoch(
                step, tqdm(batches(loader), f"epoch {epoch}/{settings.epochs}", len(loader), **_BAR)
            )
            if schedule.last_epoch != epoch * len(loader):
                done = schedule.last_epoch - (epoch - 1) * len(loader)
                raise TrainingError(f"epoch {epoch} had {done} batches, and the data's length says {len(loader)}")
            if not math.isfinite(loss):
                rate = f"learning_rate={settings.learning_rate}"
                raise TrainingError(f"the loss of epoch {epoch} is {loss}; lower {rate}, or look for bad photos")
            row = {"epoch": epoch, "learning_rate": learning_rate, "train_loss": loss}
            if judged is not None:
                row |= _validate(model, objective, judged, color)
            history.append(row | {"seconds": time.perf_counter() - started})
            tqdm.write("  ".join(f"{name} {value:.5g}" for name, value in history[-1].items()), file=sys.stderr)
            if checkpoint:
                checkpoint.save(history)
            after_epoch(history)
    finally:
        # Without the wrapper that mixed precision puts around `forward`, and ready to predict, also after Ctrl-C.
        accelerator.unwrap_model(model, keep_fp32_wrapper=False).eval()
    return history


def _train_epoch(step: Callable[[Batch], Tensor], bar: Any) -> tuple[float, Tensor]:
    """Take a step for each batch; return the mean loss, and the mean ab of the photos."""
    losses, colors = _Mean(), _Mean()
    for batch in bar:
        losses.add(step(batch), len(batch.ab))
        colors.add(batch.ab.mean(dim=(0, 2, 3)), len(batch.ab))
        if not bar.disable:  # showing the loss waits for the device
            bar.set_postfix(loss=f"{losses.mean().item():.5f}")
    return losses.mean().item(), colors.mean()


def _colors(data: Dataset[Any], settings: Settings, num_workers: int | None) -> Iterator[Tensor]:
    """The ab of the first photos that are trained on, enough to know how often which colour occurs."""
    loader = create_loader(data, settings.batch_size, num_workers, seed=settings.seed)
    for batch in itertools.islice(batches(loader), math.ceil(_OBSERVED / settings.batch_size)):
        yield batch.ab


@torch.no_grad()
def _validate(model: Any, objective: Objective, loader: Any, mean_color: Tensor) -> dict[str, float]:
    """Loss and error on `loader`, and the errors that no colour and one constant colour would have there."""
    model.eval()
    constant = mean_color.reshape(1, 2, 1, 1)
    means = {name: _Mean() for name in ("loss", "error", "gray_error", "constant_error")}
    for batch in tqdm(batches(loader), "validation", len(loader), **_BAR):
        ab = batch.ab
        loss, planes = model(batch)
        means["loss"].add(loss, len(ab))
        guesses = {
            "error": resize_to(objective.read(planes), ab),
            "gray_error": torch.zeros_like(ab),
            "constant_error": constant,
        }
        for name, guess in guesses.items():
            means[name].add(((guess - ab) / AB_SCALE).square().mean(), len(ab))
    return {f"validation_{name}": mean.mean().item() for name, mean in means.items()}


class _Mean:
    """A mean weighted by the number of photos, kept on the device of what is added."""

    def __init__(self) -> None:
        self.total: Any = 0
        self.count = 0

    def add(self, value: Tensor, count: int) -> None:
        self.total = self.total + value * count
        self.count += count

    def mean(self) -> Tensor:
        mean: Tensor = self.total / self.count
        return mean

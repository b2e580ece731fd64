"""A training run: its parts, and how it runs an epoch."""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from colorfuse.color.units import warn_of_unit_lightness
from colorfuse.data.attributes import count_classes
from colorfuse.data.loading import Loader
from colorfuse.data.sampling import Shard, mixed_seed
from colorfuse.errors import TrainingError, first_few
from colorfuse.memory import is_out_of_memory
from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective, Term
from colorfuse.sample import Batch
from colorfuse.training.averaging import Average
from colorfuse.training.learner import Learner
from colorfuse.training.optimizers import create_optimizer
from colorfuse.training.out_of_memory import told_if_out_of_memory, what_fits
from colorfuse.training.progress import Progress
from colorfuse.training.schedules import rate_factor
from colorfuse.training.settings import Settings
from colorfuse.training.stepping import BatchMetrics, Stepper, is_batch_too_small, resized
from colorfuse.training.validation import validate

if TYPE_CHECKING:
    from accelerate import Accelerator

_OBSERVED = 2000
"""How many photos the objective observes before training, and batch norms see to suit averaged weights."""


class Training:
    """A network in training, with its loader, optimizer and progress.

    Args:
        network: The network to train. With `ema_decay`, a copy is trained, and this one holds the averaged weights.
        objective: The loss, and the conversion of output planes to ab.
        terms: Extra terms of the loss.
        data: The training photos.
        settings: The training settings.
        accelerator: The device, precision and processes.
        num_workers: Worker processes that read photos; `default_workers` if None.
    """

    def __init__(
        self,
        network: FusionNetwork,
        objective: Objective,
        terms: list[Term],
        data: Dataset[Any],
        settings: Settings,
        accelerator: "Accelerator",
        num_workers: int | None,
    ) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.progress = Progress()
        self.shard = Shard(accelerator.process_index, accelerator.num_processes)
        self.loader = self.make_loader(data, num_workers, seed=settings.seed)
        torch.manual_seed(settings.seed)
        self.network = network.to(accelerator.device).to(memory_format=torch.channels_last)
        self.average = Average(network, settings.ema_decay) if settings.ema_decay else None
        learning = self.average.learning if self.average else network
        for term in terms:
            term.bind(learning, count_classes(data) if term.needs_labels else None)
        self.learner = Learner(learning, objective, terms)
        self.learner.to(accelerator.device).to(memory_format=torch.channels_last)
        self.optimizer = create_optimizer(
            settings.optimizer, self.learner, learning.backbone, settings.backbone_rate, settings.weight_decay
        )
        self.stepper = Stepper(accelerator, self.learner, self.optimizer, self.loader.batch_size, settings.clip_norm)
        self._hints = settings.hint_simulation() if network.takes_hints else None
        self._film = settings.film()
        self._is_frozen = False
        self._thawing = [weights for weights in learning.backbone.parameters() if weights.requires_grad]

    def make_loader(self, data: Dataset[Any], num_workers: int | None, *, seed: int | None = None) -> Loader:
        """A loader for this process's shard of each batch."""
        return Loader(
            data,
            self.settings.batch_size,
            num_workers,
            seed=seed,
            shard=self.shard,
            device=self.accelerator.device,
        )

    def steps(self, epoch: int) -> Iterator[BatchMetrics]:
        """Train on the remaining batches of an epoch, and yield the figures of each."""
        settings, progress = self.settings, self.progress
        self._begin_epoch(epoch)
        for batch in self.loader.epoch(epoch, start=progress.batches):
            step = self._step(epoch)
            if not step:
                warn_of_unit_lightness(batch.lightness, batch.ab)
            # Seed every step by its number, so that a resumed run draws the same random numbers.
            torch.manual_seed(mixed_seed(settings.seed, step, self.shard.rank))
            with told_if_out_of_memory(self._place(epoch)):
                figures = self._backward(self._drawn(resized(batch, settings.side(epoch))), epoch)
                self.stepper.update(self._rate(step))
            if self.average:
                self.average.update(step + 1)
            progress.add(figures)
            yield figures
        if progress.batches != len(self.loader):
            raise TrainingError(
                f"epoch {epoch} had {progress.batches} batches, and the data's length says {len(self.loader)}"
            )

    def end_epoch(self, epoch: int, judged: Loader | None) -> dict[str, float]:
        """Validate after the last batch of an epoch, and return the epoch's metrics."""
        progress = self.progress
        row = {
            "epoch": epoch,
            "learning_rate": self._rate((epoch - 1) * len(self.loader)),
            "train_loss": progress.loss / progress.batches,
            "train_mean_a": progress.color[0] / progress.batches,
            "train_mean_b": progress.color[1] / progress.batches,
        }
        torch.manual_seed(mixed_seed(self.settings.seed, self._step(epoch), self.shard.rank))
        stride = self.learner.objective.stride
        self.network.eval()  # for validation and for callbacks
        with told_if_out_of_memory(f"after epoch {epoch}"), self.accelerator.autocast():
            for buffer in self.learner.buffers():  # batch norms have only seen the photos of their own process
                if buffer.is_floating_point():
                    buffer.copy_(self._reduce(buffer, "mean"))
            if self.average:
                some = self._parts(self.loader.epoch(epoch, stop=self._batches_of(_OBSERVED)))
                self.average.estimate_statistics(
                    map(self._drawn, some), stride, lambda values: self._reduce(values, "mean")
                )
            if judged is not None:
                row |= validate(
                    self.network,
                    self.learner.objective,
                    self._parts(judged.epoch()),
                    torch.tensor([row["train_mean_a"], row["train_mean_b"]]),
                    lambda sums: self._reduce(sums, "sum"),
                )
        progress.end_epoch(row)
        return row

    def any_process(self, stop: bool) -> bool:
        """Whether any of the processes wants to stop."""
        return self._reduce(torch.tensor(float(stop)), "sum").item() > 0

    def close(self) -> None:
        """Unwrap and unfreeze the network, and put it in evaluation mode."""
        self.stepper.close()
        for weights in self._thawing:
            weights.requires_grad_(True)
        self.network.eval()

    def observe(self, data: Dataset[Any], num_workers: int | None) -> None:
        """Let the objective observe the ab of training photos, the same ones in every process."""
        settings = self.settings
        loader = Loader(data, settings.batch_size, num_workers, seed=settings.seed, device=self.accelerator.device)
        self.learner.objective.observe(batch.ab for batch in loader.epoch(stop=self._batches_of(_OBSERVED)))

    def _parts(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Split batches into the micro-batches of training."""
        return (part for batch in batches for part in self.stepper.micro_batches(batch))

    def _begin_epoch(self, epoch: int) -> None:
        is_frozen = epoch <= self.settings.frozen_epochs
        if is_frozen != self._is_frozen:
            self.stepper.unwrap()
            self._is_frozen = is_frozen
            for weights in self._thawing:
                weights.requires_grad_(not is_frozen)
        self.learner.train()
        if is_frozen:
            self.learner.network.backbone.eval()

    def _drawn(self, batch: Batch) -> Batch:
        """Draw hints for a batch, if the network takes any, and put some of its photos on old film."""
        if self._hints:
            batch = batch._replace(hints=self._hints.draw(batch.ab))
            if self.network.takes_global_hints:
                batch = batch._replace(global_hints=self._hints.draw_global(batch.lightness, batch.ab))
        if self._film:
            batch = batch._replace(lightness=self._film.draw(batch.lightness, batch.ab))
        return batch

    def _backward(self, batch: Batch, epoch: int) -> BatchMetrics:
        place = self._place(epoch)
        try:
            figures = self.stepper.backward(batch)
        except Exception as error:
            self.stepper.discard()
            if is_batch_too_small(error):
                count = min(len(part.ab) for part in self.stepper.micro_batches(batch))
                raise TrainingError(
                    f"{place}: {count} of {batch.ab.shape[-1]} x {batch.ab.shape[-1]} pixels at a time is too little "
                    "for batch norms to learn from; give more photos, or a larger batch_size or image_size"
                ) from error
            if not is_out_of_memory(error):
                raise
            figures = None  # `what_fits` is called below, once the error no longer keeps tensors alive
        if figures is None:
            part, *others = self.stepper.micro_batches(batch)
            advice = what_fits(self.learner, part, self.loader.batch_size, 1 + len(others))
            self.stepper.discard()
            raise TrainingError(f"{place}: {advice}")
        if not self.stepper.may_update(figures):
            self.stepper.discard()
            samples = self.loader.samples(epoch, self.progress.batches)
            listed = f" (samples {first_few([*map(str, samples)], 8)})" * bool(samples)
            raise TrainingError(
                f"{place}{listed} has the loss {figures.loss} and gradients of norm {figures.gradient_norm}; the "
                f"weights are as before it; lower learning_rate={self.settings.learning_rate}, set clip_norm, or "
                "look for bad photos"
            )
        return figures

    def _place(self, epoch: int) -> str:
        return f"batch {self.progress.batches + 1} of {len(self.loader)} in epoch {epoch}"

    def _step(self, epoch: int) -> int:
        """The number of the next step, counted from 0."""
        return (epoch - 1) * len(self.loader) + self.progress.batches

    def _rate(self, step: int) -> float:
        settings = self.settings
        steps = settings.epochs * len(self.loader)
        return settings.learning_rate * rate_factor(settings.schedule, step, steps, settings.warmup_steps)

    def _batches_of(self, photos: int) -> int:
        return math.ceil(photos / self.loader.batch_size)

    def _reduce(self, values: torch.Tensor, how: str) -> torch.Tensor:
        if self.shard.world_size == 1:
            return values
        reduced: torch.Tensor = self.accelerator.reduce(values.to(self.accelerator.device), how)
        return reduced.to(values.device)

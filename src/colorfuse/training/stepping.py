"""One training step: forward pass, backward pass and optimizer step."""

import contextlib
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.sample import Batch
from colorfuse.training.learner import Learner
from colorfuse.training.optimizers import set_rate

if TYPE_CHECKING:
    from accelerate import Accelerator


class BatchMetrics(NamedTuple):
    """The figures of a batch after its backward pass; loss, a and b are means over the photos of all processes."""

    loss: float
    gradient_norm: float
    mean_a: float
    mean_b: float


class Stepper:
    """Takes training steps with the precision, processes and gradient accumulation of an accelerator.

    Args:
        accelerator: Sets the precision, the processes and the number of micro-batches.
        learner: The module to train, on the accelerator's device.
        optimizer: The optimizer over its weights.
        photos: The number of photos in a batch, over all processes.
        clip_norm: The maximum norm of all gradients together, to which larger gradients are scaled down; None does
            not clip.
    """

    def __init__(
        self,
        accelerator: "Accelerator",
        learner: Learner,
        optimizer: torch.optim.Optimizer,
        photos: int,
        clip_norm: float | None,
    ) -> None:
        self.accelerator = accelerator
        self.learner = learner
        self.optimizer = accelerator.prepare_optimizer(optimizer)
        self.photos = photos
        self.clip_norm = math.inf if clip_norm is None else clip_norm
        self._model: Any = None
        self._others = 0
        self._unused: list[torch.nn.Parameter] = []
        self._statistics: list[Tensor] = []

    def backward(self, batch: Batch) -> BatchMetrics:
        """Accumulate the gradients of a batch over its micro-batches."""
        self._statistics = [buffer.clone() for buffer in self.learner.buffers()]
        parts = self.micro_batches(batch)
        if self._model is None:
            self._wrap(parts[0])
        loss = torch.zeros((), device=batch.ab.device)
        for part in parts:
            with contextlib.nullcontext() if part is parts[-1] else self.accelerator.no_sync(self._model):
                share = len(part.ab) / self.photos
                mean, _ = self._model(part)
                # Cancel the averaging of gradients over processes and the division by the number of micro-batches.
                weight = self.accelerator.num_processes * self.accelerator.gradient_accumulation_steps
                self.accelerator.backward(share * weight * mean)
                loss += share * mean.detach()
        norm = self.accelerator.clip_grad_norm_(self._learning(), self.clip_norm)
        color = batch.ab.mean(dim=(0, 2, 3)) * (len(batch.ab) / self.photos)
        loss, *mean_color = self.accelerator.reduce(torch.stack([loss, *color]), "sum")
        return BatchMetrics(*torch.stack([loss, norm.to(loss), *mean_color]).tolist())

    def micro_batches(self, batch: Batch) -> list[Batch]:
        """Split a batch into micro-batches for gradient accumulation."""
        size = math.ceil(len(batch.ab) / self.accelerator.gradient_accumulation_steps)
        return [batch.part(start, start + size) for start in range(0, len(batch.ab), size)]

    def may_update(self, figures: BatchMetrics) -> bool:
        """Whether the gradients may be applied to the weights.

        In half precision, the loss scaler skips steps with non-finite gradients and lowers its scale, so these are
        accepted as long as the scale is at least 1.
        """
        scaler = self.accelerator.scaler
        finds_scale = scaler is not None and scaler.get_scale() >= 1
        return math.isfinite(figures.loss) and (finds_scale or math.isfinite(figures.gradient_norm))

    def update(self, learning_rate: float) -> None:
        """Update the weights with the accumulated gradients."""
        set_rate(self.optimizer, learning_rate)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def discard(self) -> None:
        """Drop the accumulated gradients, and restore the running statistics of batch norms."""
        self.optimizer.zero_grad()
        for buffer, kept in zip(self.learner.buffers(), self._statistics, strict=False):
            buffer.copy_(kept)

    def close(self) -> None:
        """Leave the learner and the accelerator as they were before training."""
        self.unwrap()
        self.accelerator._optimizers.remove(self.optimizer)

    def unwrap(self) -> None:
        """Remove the accelerator's wrapper from the learner, so that weights can be frozen or unfrozen."""
        if self._model is not None:
            self.accelerator.unwrap_model(self._model, keep_fp32_wrapper=False, keep_torch_compile=False)
            del self.accelerator._models[self._others :]
            # accelerate leaves this mark behind, and would not wrap the learner again.
            vars(self.learner).pop("_is_accelerate_prepared", None)
            self._model = None
        for weights in self._unused:
            weights.requires_grad_(True)
        self._unused = []

    def _wrap(self, batch: Batch) -> None:
        if self.accelerator.num_processes > 1:
            self._leave_out_unused(batch)
        self._others = len(self.accelerator._models)
        self._model = self.accelerator.prepare_model(self.learner)

    def _leave_out_unused(self, batch: Batch) -> None:
        """Freeze weights that do not affect the loss, since processes would wait for their gradients for ever."""
        devices = [batch.ab.device] if batch.ab.is_cuda else []
        with torch.random.fork_rng(devices), self.accelerator.autocast():
            loss, _ = self.learner(batch)
        loss.backward()
        self._unused = [weights for weights in self._learning() if weights.grad is None]
        for weights in self._unused:
            weights.requires_grad_(False)
        self.discard()

    def _learning(self) -> list[torch.nn.Parameter]:
        return [weights for weights in self.learner.parameters() if weights.requires_grad]


def resized(batch: Batch, side: int) -> Batch:
    """Resize the photos of a batch, and what is drawn on them of hints, to `side` x `side` pixels."""
    if batch.ab.shape[-1] == side:
        return batch
    lightness, ab = (
        functional.interpolate(plane, (side, side), mode="bilinear", antialias=True)
        for plane in (batch.lightness, batch.ab)
    )
    hints = None if batch.hints is None else functional.interpolate(batch.hints, (side, side), mode="nearest-exact")
    return batch._replace(lightness=lightness, ab=ab, hints=hints)


def is_batch_too_small(error: Exception) -> bool:
    """Whether an error says that a batch norm in training got only one value per channel."""
    return isinstance(error, ValueError) and "more than 1 value per channel" in str(error)

"""One step of a training: forward, backward, and the optimizer's."""

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


class Figures(NamedTuple):
    """What is known of a batch after the backward pass: of all processes, a mean over its photos."""

    loss: float
    gradient_norm: float
    mean_a: float
    mean_b: float


class Stepper:
    """Takes the steps of a training, with the precision, processes and accumulation of an accelerator.

    Args:
        accelerator: Says how.
        learner: What is trained, on the accelerator's device.
        optimizer: The optimizer over it.
        photos: Of a batch, in all processes.
        clip_norm: The greatest norm of all gradients together; longer ones are shortened to it.
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

    def backward(self, batch: Batch) -> Figures:
        """Gather the gradients of a batch, in as many parts as the accelerator accumulates."""
        self._statistics = [buffer.clone() for buffer in self.learner.buffers()]
        parts = self.parts(batch)
        if self._model is None:
            self._wrap(parts[0])
        loss = torch.zeros((), device=batch.ab.device)
        for part in parts:
            with contextlib.nullcontext() if part is parts[-1] else self.accelerator.no_sync(self._model):
                share = len(part.ab) / self.photos
                mean, _ = self._model(part)
                # Gradients become means over the processes, and the accelerator divides by the number of parts.
                weight = self.accelerator.num_processes * self.accelerator.gradient_accumulation_steps
                self.accelerator.backward(share * weight * mean)
                loss += share * mean.detach()
        norm = self.accelerator.clip_grad_norm_(self._learning(), self.clip_norm)
        color = batch.ab.mean(dim=(0, 2, 3)) * (len(batch.ab) / self.photos)
        loss, *mean_color = self.accelerator.reduce(torch.stack([loss, *color]), "sum")
        return Figures(*torch.stack([loss, norm.to(loss), *mean_color]).tolist())

    def parts(self, batch: Batch) -> list[Batch]:
        """What is taken of a batch one after another."""
        size = math.ceil(len(batch.ab) / self.accelerator.gradient_accumulation_steps)
        return [batch.part(start, start + size) for start in range(0, len(batch.ab), size)]

    def may_update(self, figures: Figures) -> bool:
        """Whether the weights can take the step.

        What scales the loss for half precision skips steps by itself, and scales less, until gradients are finite.
        """
        scaler = self.accelerator.scaler
        finds_scale = scaler is not None and scaler.get_scale() >= 1
        return math.isfinite(figures.loss) and (finds_scale or math.isfinite(figures.gradient_norm))

    def update(self, learning_rate: float) -> None:
        """Move the weights along the gradients that were gathered."""
        set_rate(self.optimizer, learning_rate)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def discard(self) -> None:
        """Forget the gradients that were gathered, and what batch norms saw meanwhile."""
        self.optimizer.zero_grad()
        for buffer, kept in zip(self.learner.buffers(), self._statistics, strict=False):
            buffer.copy_(kept)

    def close(self) -> None:
        """Leave the learner and the accelerator as they were before."""
        self.unwrap()
        self.accelerator._optimizers.remove(self.optimizer)

    def unwrap(self) -> None:
        """Take off what the accelerator puts around the learner; which weights learn may change then."""
        if self._model is not None:
            self.accelerator.unwrap_model(self._model, keep_fp32_wrapper=False, keep_torch_compile=False)
            del self.accelerator._models[self._others :]
            # Without this mark, which stays, it can be wrapped again.
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
        """Hold weights fixed that have no part in the loss, for whose gradients the processes would wait for ever."""
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
    """The photos of a batch at another size."""
    if batch.ab.shape[-1] == side:
        return batch
    lightness, ab = (
        functional.interpolate(plane, (side, side), mode="bilinear", antialias=True)
        for plane in (batch.lightness, batch.ab)
    )
    return batch._replace(lightness=lightness, ab=ab)


def is_too_little(error: Exception) -> bool:
    """Whether an error says that a batch norm has but one value of each channel to learn from."""
    return isinstance(error, ValueError) and "more than 1 value per channel" in str(error)

"""Advice for a batch that runs out of memory."""

import contextlib
import gc
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from colorfuse.errors import TrainingError
from colorfuse.memory import is_out_of_memory
from colorfuse.sample import Batch
from colorfuse.training.learner import Learner
from colorfuse.training.stepping import is_batch_too_small, resized


@contextlib.contextmanager
def told_if_out_of_memory(place: str) -> Iterator[None]:
    """Raise out-of-memory errors within a block as a `TrainingError` that says where.

    Raises:
        TrainingError: Memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(f"{place}: out of memory; lower batch_size or image_size") from error


def what_fits(learner: Learner, batch: Batch, batch_size: int, parts: int) -> str:
    """A message that says what ran out of memory, and which smaller sizes fit when tried.

    Args:
        learner: The learner, without gradients.
        batch: The micro-batch that ran out of memory.
        batch_size: Photos per step, over all processes and micro-batches.
        parts: The number of micro-batches in each process (gradient accumulation).
    """
    count, side = len(batch.ab), batch.ab.shape[-1]
    message = f"out of memory with {count} photos of {side} x {side} pixels at once, from batch_size={batch_size}"
    fewer = next((number for number in _halves(count) if _fits(learner, batch.part(0, number))), None)
    smaller = next((size for size in _smaller(side) if _fits(learner, resized(batch, size))), None)
    fits = []
    if fewer:
        times = math.ceil(count / fewer)
        fits.append(
            f"{fewer} photos of that size fit: batch_size={max(1, batch_size // times)}, or "
            f"ACCELERATE_GRADIENT_ACCUMULATION_STEPS={parts * times} in the environment for the same steps in parts"
        )
    if smaller:
        fits.append(f"{count} photos fit at image_size={smaller}")
    return f"{message}; {'; '.join(fits) or 'nothing smaller fits; try a smaller network'}"


def _fits(learner: Learner, batch: Batch) -> bool:
    """Whether a forward and backward pass fits in memory, with some to spare.

    It runs on a thread of its own: on one that has run out of memory, oneDNN may create no more primitives at all.
    """
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(_passes, learner, batch).result()


def _passes(learner: Learner, batch: Batch) -> bool:
    try:
        # Reserve two tensors per weight for the optimizer state, and two more because steps vary in memory.
        spare = [torch.empty_like(weights) for weights in learner.parameters() for _ in range(4)]
        learner(batch)[0].backward()
    except Exception as error:
        if is_out_of_memory(error) or is_batch_too_small(error):
            return False
        raise
    else:
        return bool(spare)
    finally:
        spare = []
        learner.zero_grad()
        gc.collect()
        torch.cuda.empty_cache()


def _halves(count: int) -> Iterator[int]:
    while count > 1:
        count //= 2
        yield count


def _smaller(side: int) -> Iterator[int]:
    """Smaller sides in multiples of 32, each with about half the pixels of the one before."""
    while side > 32:
        side = min(side - 1, max(32, round(side / 2**0.5 / 32) * 32))
        yield side

"""What to do where the memory does not suffice for a batch."""

import gc
import math
from collections.abc import Iterator

import torch

from colorfuse.memory import is_out_of_memory
from colorfuse.sample import Batch
from colorfuse.training.learner import Learner
from colorfuse.training.stepping import is_too_little, resized


def what_fits(learner: Learner, batch: Batch, batch_size: int, parts: int) -> str:
    """What was too large for the memory, and what is not, found by trying.

    Args:
        learner: What is trained, without gradients.
        batch: What was too large.
        batch_size: Photos a step, of all processes and parts.
        parts: In how many parts one after another each process takes them.
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
    """Whether there is memory for a forward and backward pass, and some to spare."""
    try:
        # What an optimizer keeps of the weights, and as much again for what is not the same at each step.
        spare = [torch.empty_like(weights) for weights in learner.parameters() for _ in range(4)]
        learner(batch)[0].backward()
    except Exception as error:
        if is_out_of_memory(error) or is_too_little(error):
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
    """Sides that are multiples of 32, each with about half of the pixels of the one before it."""
    while side > 32:
        side = min(side - 1, max(32, round(side / 2**0.5 / 32) * 32))
        yield side

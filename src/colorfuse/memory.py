"""Memory estimates for photos, and errors if there is too little."""

import contextlib
import math
import sys
from collections.abc import Iterator

import torch

BYTES_PER_PIXEL = 40
"""Peak memory per pixel to read, colour and write a photo; TIFFs of floats take the most."""

_OF_LIBRARIES = (
    "std::bad_alloc",  # of C++
    "could not create a primitive",  # of oneDNN, as the others
    "could not create a memory object",
    "could not execute a primitive",
)
"""Messages of lower-level libraries, whose out-of-memory errors can only be told by the text."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out, on a device or on the CPU."""
    from accelerate.utils.memory import should_reduce_batch_size  # takes seconds to import

    if isinstance(error, MemoryError | torch.OutOfMemoryError) or should_reduce_batch_size(error):
        return True
    return isinstance(error, RuntimeError) and str(error) in _OF_LIBRARIES


def available_memory() -> int:
    """Bytes that this process can still allocate: the free memory of the machine, within the process's limit."""
    import psutil

    free: int = psutil.virtual_memory().available
    if sys.platform != "win32":
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            free = min(free, max(0, limit - psutil.Process().memory_info().vms))
    return free


def check_memory(height: int, width: int, name: str) -> None:
    """Check, before a photo is read, that there is memory to colour it.

    Raises:
        MemoryError: There is too little; the message says what would fit.
    """
    available = available_memory()
    if height * width * BYTES_PER_PIXEL > available:
        raise MemoryError(_too_large(height, width, name, available))


@contextlib.contextmanager
def memory_for(height: int, width: int, name: str) -> Iterator[None]:
    """Raise out-of-memory errors within a block as a `MemoryError` that names the photo and says what would fit.

    Raises:
        MemoryError: The block ran out of memory.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, MemoryError | RuntimeError) or not is_out_of_memory(error):
            raise
        most = min(available_memory(), height * width * BYTES_PER_PIXEL // 2)
        raise MemoryError(_too_large(height, width, name, most)) from error


def _too_large(height: int, width: int, name: str, available: int) -> str:
    shrunk = math.sqrt(available / BYTES_PER_PIXEL / (height * width))
    size = f"{max(1, int(width * shrunk))} x {max(1, int(height * shrunk))}"
    needed, free = (amount / 2**30 for amount in (height * width * BYTES_PER_PIXEL, available))
    return (
        f"{name} of {width} x {height} pixels takes up to {needed:.1f} GiB of memory to colour, "
        f"of which {free:.1f} are free; {size} pixels fit: scale it down"
    )

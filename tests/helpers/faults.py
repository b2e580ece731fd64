"""Real faults of the machine."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most_bytes_a_file(count: int) -> Iterator[None]:
    """Writing more to a file fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

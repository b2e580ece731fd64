"""Which process on which machine something belongs to."""

import contextlib
import platform
from hashlib import blake2b
from pathlib import Path


def machine() -> str:
    """A name of this machine, of eight hexadecimal digits; containers whose processes are apart have their own."""
    name = platform.node()
    with contextlib.suppress(OSError):  # of systems other than Linux
        name += str(Path("/proc/self/ns/pid").readlink())
    return blake2b(name.encode(), digest_size=4).hexdigest()


def started_at(process: int) -> int | None:
    """Start time of a process in seconds, or None if it is not running. Needed since process ids are reused."""
    import psutil  # only needed for writing

    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else int(found.create_time())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
